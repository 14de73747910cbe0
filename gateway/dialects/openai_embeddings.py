"""OpenAI embeddings: `POST /embeddings`. What is asked is all input; the answer holds no tokens."""

from __future__ import annotations

import msgspec

from gateway.dialects.base import Edited
from gateway.dialects.estimate import input_tokens
from gateway.dialects.openai_base import OpenAIOperation
from gateway.dialects.openai_completions import texts_in
from gateway.dialects.openai_fields import RawField, texts
from gateway.dialects.peek import Peek
from gateway.model.policy import FeatureCaps
from gateway.model.request import Estimate, RequestFacts

__all__ = ["OpenAIEmbeddings"]


class _Fields(msgspec.Struct):
    model: str | None = None
    input: RawField = msgspec.UNSET


_peek = Peek(_Fields)


class OpenAIEmbeddings(OpenAIOperation):
    """See `base.Dialect`. None of the features that tiers cap exist here, so no body is ever changed."""

    name = "openai.embeddings"
    operation = "embeddings"
    routes = (("POST", "/embeddings"),)
    max_output_default = 0
    streams = False

    def parse(self, body: bytes, *, length: int) -> RequestFacts:
        """The facts of a body. An input of token numbers is counted exactly."""
        fields, why = _peek.read(body)
        _, given = texts_in(fields.input, "input")
        read = texts(fields.input)
        return RequestFacts(
            dialect=self.name,
            operation=self.operation,
            model=fields.model or "",
            input_size=sum(map(len, read)),
            body_size=length,
            estimate=Estimate(given if given is not None else input_tokens(body, *read), 0, True),
            ambiguous=why,
        )

    def edit(self, body: bytes, facts: RequestFacts, caps: FeatureCaps, *, ask_usage: bool) -> Edited:
        """The very same body."""
        return Edited(body)
