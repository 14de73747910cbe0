"""State URLs that may name several hosts: `redis+cluster://user:pw@h1:7000,[::1]:7001/0?deadline_ms=80`.

The standard library takes such an authority apart in some of its versions and refuses it in others, as soon as an IPv6 address stands
behind another host. So the authority is cut out first and never judged as one host.
"""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

__all__ = ["split_state_url"]


def split_state_url(url: str) -> SplitResult:
    """Like `urlsplit`, with whatever stands between `//` and the path as `netloc`. ValueError where the rest is no URL."""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return urlsplit(url)
    end = min((at for mark in "/?#" if (at := rest.find(mark)) >= 0), default=len(rest))
    return urlsplit(f"{scheme}://host{rest[end:]}")._replace(netloc=rest[:end])
