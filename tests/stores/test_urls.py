"""State URLs with one host or several, the same in every version of the standard library."""

from __future__ import annotations

import pytest

from gateway.stores.urls import split_state_url


@pytest.mark.parametrize(
    ("url", "netloc", "path", "query"),
    [
        ("redis://127.0.0.1:6379/0", "127.0.0.1:6379", "/0", ""),
        ("redis+cluster://u:p%40w@h1:7000,[::1]:7001,h3/0?deadline_ms=80", "u:p%40w@h1:7000,[::1]:7001,h3", "/0", "deadline_ms=80"),
        ("redis+sentinel://[::1]:1,[::2]:2", "[::1]:1,[::2]:2", "", ""),
        ("redis://h?a=b", "h", "", "a=b"),
        ("unix:///run/redis.sock?db=1", "", "/run/redis.sock", "db=1"),
    ],
)
def test_the_authority_is_cut_out_whole(url, netloc, path, query):
    parts = split_state_url(url)
    assert (parts.netloc, parts.path, parts.query) == (netloc, path, query)


def test_what_is_no_url_is_told_like_urlsplit_does():
    assert split_state_url("memory").path == "memory"
