"""The list of models, in both families' shapes."""

from __future__ import annotations

from gateway.demo.models import MODELS


def test_openai_sees_the_names_and_any_other(client):
    assert tuple(model.id for model in client.models.list()) == MODELS
    assert client.models.retrieve("some-org/any-name").id == "some-org/any-name"


def test_anthropic_sees_them_in_its_own_shape(claude):
    page = claude.models.list()
    assert tuple(model.id for model in page.data) == MODELS
    assert page.has_more is False
    assert (page.first_id, page.last_id) == (MODELS[0], MODELS[-1])
    assert claude.models.retrieve("any-name").type == "model"
