"""`gateway serve`: the reverse proxy, in front of model endpoints or of the demo model."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from gateway.app import Running, Ways, admin_app_of, proxy
from gateway.cli.options import state_options
from gateway.demo import demo_app
from gateway.demo.pass_key import demo_key
from gateway.model.policy import UpstreamRule
from gateway.server import WORKER, PlaneServer, bind, run_workers, serve_planes
from gateway.settings import Settings

__all__ = ["serve"]
