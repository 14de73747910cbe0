"""What an experiment is: a copier's attack as he would carry it out, over HTTP, on an endpoint with and without the gateway before it.

An experiment knows of the model what its attacker may know; what is compared at the end is the demo's own truth. It asks through
`Client`, which speaks to an application in this process, and tells `Table`s that the command prints and writes into a page.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx
from msgspec import Struct

from gateway.issue import issue_key
from gateway.lab.corpora import Item

__all__ = ["Answer", "Client", "Experiment", "Guarded", "Mount", "Setting", "Table", "guarded", "unguarded"]

Renew = Callable[[], Awaitable[tuple[str, str]]]

_PATIENCE_S = 60.0
_WEIGHED_S = 1.0
"""What was asked is weighed behind the answers, and shared twice a second."""
_WAIT = 429


class Mount(Protocol):
    """How the gateway is put before an application: `gateway.app.Gateway`."""

    def __call__(self, app: Any, *, policy: str | Path, state: str, data: str | Path, governs: Callable[[str], bool]) -> Any:
        """The application with the gateway before it."""
        ...


class Table(Struct, frozen=True):
    """Figures of an experiment: `columns` name the members of each row; `note` says what must be known to read them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a run is given. `scale` 1 is the full size and smaller values shrink it; `told` hears of progress."""

    mount: Mount
    seed: int = 1
    repeats: int = 40
    scale: float = 1.0
    prompts: tuple[Item, ...] = ()
    told: Callable[[str], None] = lambda _: None

    def sized(self, full: int, least: int) -> int:
        """A number at this scale."""
        return max(least, round(full * self.scale))


class Experiment(Protocol):
    """A module of this package has one as `EXPERIMENT`."""

    name: str
    says: str

    async def run(self, setting: Setting) -> tuple[Table, ...]:
        """Carry it out. The same setting gives the same figures, but for what hangs on keys, which are made anew each time."""
        ...


class Answer(Struct, frozen=True):
    """A response: its status and its document, empty where it is none."""

    status: int
    document: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the model answered."""
        return self.status < 300


class Client:
    """A caller of an application in this process. `asked` counts requests, `refused` those that were not answered.

    With `renew`, which gives a fresh key and its id, one who is told to wait (429) goes on with another; `key_ids` are all he had.
    """

    def __init__(self, http: httpx.AsyncClient, key: str = "none", key_id: str = "", renew: Renew | None = None) -> None:
        self.key_ids = [key_id]
        self.asked = 0
        self.refused = 0
        self._http = http
        self._key = key
        self._renew = renew

    @property
    def key_id(self) -> str:
        """The key's that is in use."""
        return self.key_ids[-1]

    async def ask(self, path: str, body: Mapping[str, Any]) -> Answer:
        """POST a body."""
        answer = await self._ask(path, body)
        if answer.status == _WAIT and self._renew is not None:
            self._key, key_id = await self._renew()
            self.key_ids.append(key_id)
            answer = await self._ask(path, body)
        return answer

    def again(self) -> Client:
        """The same way in, with nothing asked yet."""
        return Client(self._http, self._key, self.key_id, self._renew)

    async def _ask(self, path: str, body: Mapping[str, Any]) -> Answer:
        response = await self._http.post(path, json=body, headers={"authorization": f"Bearer {self._key}"})
        self.asked += 1
        self.refused += not response.is_success
        try:
            document = response.json()
        except ValueError:
            document = {}
        return Answer(response.status_code, document if isinstance(document, dict) else {})


@asynccontextmanager
async def unguarded(app: Any) -> AsyncIterator[Client]:
    """The application itself."""
    async with _http(app) as http:
        yield Client(http)


class Guarded:
    """An application behind the gateway. `secret` is the deployment's, `policy` the running one, as an operator has them."""

    def __init__(self, running: Any, http: httpx.AsyncClient) -> None:
        self._running = running
        self._http = http

    @property
    def secret(self) -> bytes:
        """The deployment's."""
        secret: bytes = self._running.engine.secret
        return secret

    @property
    def epoch(self) -> int:
        """The epoch that it is."""
        length: int = self._running.engine.policy().epoch_us
        return time.time_ns() // 1000 // length

    async def caller(self) -> Client:
        """A new caller, who takes another key wherever he is told to wait."""
        return Client(self._http, *await self._key(), self._key)

    async def _key(self) -> tuple[str, str]:
        key, record = await issue_key(self._running.world.keys, self._running.engine.secret, now_us=time.time_ns() // 1000)
        return key, record.key_id

    async def standing(self, caller: Client) -> tuple[float, str]:
        """Decibans that speak against a caller, the most of his keys, and the rung that this is, as the gateway has them now."""
        await asyncio.sleep(_WEIGHED_S)
        rows = [row for row in await self._running.risk(10_000, None, False) if row["key_id"] in caller.key_ids]
        return max(((float(row["score"]), str(row["rung"])) for row in rows), default=(0.0, "open"))


@asynccontextmanager
async def guarded(app: Any, mount: Mount, policy: str = "default", *, text: str | None = None) -> AsyncIterator[Guarded]:
    """The application behind the gateway, with a policy that ships, or one whose `text` is given."""
    with tempfile.TemporaryDirectory(prefix="gateway-lab-") as folder:
        if text is not None:
            file = Path(folder) / "policy.yaml"
            file.write_text(text, encoding="utf-8")
            policy = str(file)
        gateway = mount(app, policy=policy, state="memory", data=Path(folder) / "data", governs=lambda _: True)
        running = await gateway.started()
        try:
            async with _http(gateway) as http:
                yield Guarded(running, http)
        finally:
            await gateway.aclose()


def _http(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://laboratory", timeout=_PATIENCE_S)
