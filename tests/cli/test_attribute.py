"""`gateway attribute`: from a state's keys and a file (or a model's answers) to a table, JSON, a picture and a report that verifies."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.cli import main
from gateway.cli.attribute import SIGNED, attribute_command
from gateway.cli.beside import beside
from gateway.cli.keys import keys
from gateway.errors import GatewayError
from gateway.perturb.base import Context, derived
from gateway.perturb.fingerprint import PERTURBATION, FingerprintOptions
from gateway.policy.load import find, load
from tests.support.prose import REPLIES


@pytest.fixture
def deployment(tmp_path):
    """A data folder with four keys, two of one account; `mark(text, key_id)` alters as the gateway does now."""
    data = str(tmp_path / "data")
    made = [
        json.loads(CliRunner().invoke(keys, ["create", "--json", "--account", account, "--data", data]).stdout)["key_id"]
        for account in ("acme", "acme", "umbrella", "initech")
    ]

    async def secret():
        async with beside("memory", tmp_path / "data") as opened:
            return derived(opened.secret, "perturbations")

    found = asyncio.run(secret())
    epoch = time.time_ns() // 1000 // load(find("default")).epoch_us

    def mark(text, key_id):
        context = Context(found, key_id, "", epoch, "openai.chat", "m", text.encode()[:32], 0)
        edit = PERTURBATION.text(context, FingerprintOptions(strength=1.0))
        return edit.feed(text) + edit.finish()

    mark.data, mark.keys, mark.path = data, made, tmp_path
    return mark


@pytest.fixture
def leaked(deployment):
    path = deployment.path / "leaked.jsonl"
    path.write_text(
        "".join(json.dumps({"instruction": "i", "output": deployment(text, deployment.keys[2])}) + "\n" for text in REPLIES)
    )
    return str(path)


def run(deployment, *arguments):
    return CliRunner().invoke(attribute_command, [*arguments, "--data", deployment.data])


def test_the_source_is_named_first_and_the_limits_are_said(deployment, leaked):
    result = run(deployment, leaked)
    assert result.exit_code == 0, result.exception
    lines = result.stdout.splitlines()
    assert "tested   4 callers, 13 epochs, 1 groups" in lines[1]
    assert lines[3].startswith(f"fp:{deployment.keys[2][:12]}")
    assert lines[3].endswith("<- code word found")
    assert result.stdout.count("found") == 1 + result.stdout.count("nothing is found")
    assert "not who leaked it" in result.stdout


def test_as_json_and_as_a_picture(deployment, leaked):
    picture = deployment.path / "a.svg"
    told = json.loads(run(deployment, leaked, "--json", "--epochs", "2", "--picture", str(picture)).stdout)
    assert told["suspects"][0]["key_id"] == deployment.keys[2]
    assert told["tests"] == (4 * 2 + 1) * len(told["scores"])
    assert f"fp:{deployment.keys[2][:12]}" in "".join(ET.parse(picture).getroot().itertext())


def test_the_report_is_signed_with_the_audit_logs_key(deployment, leaked):
    out = deployment.path / "report.json"
    run(deployment, leaked, "--report", str(out))
    body = out.read_bytes().split(b"\n")[1]
    told = json.loads(out.read_bytes())
    assert told["report"] == json.loads(body)
    assert told["report"]["callers"] == 4
    (public,) = (deployment.path / "data" / "audit-keys").glob(f"*{told['signature']['key']}.pub")
    verifier, value = load_pem_public_key(public.read_bytes()), base64.b64decode(told["signature"]["value"])
    verifier.verify(value, SIGNED + body)
    with pytest.raises(InvalidSignature):
        verifier.verify(value, SIGNED + body.replace(b'"callers":4', b'"callers":5'))


def test_a_list_of_keys_stands_in_for_the_states(deployment, leaked):
    listed = deployment.path / "keys.txt"
    listed.write_text("# ours\n" + "\n".join(deployment.keys[:2]) + "\n")
    told = json.loads(run(deployment, leaked, "--json", "--keys", str(listed)).stdout)
    assert told["callers"] == 2
    assert told["suspects"][0]["log10_corrected"] > -3


def test_a_suspect_model_is_asked(deployment, live_model):
    prompts = deployment.path / "prompts.txt"
    prompts.write_text('Tell me a story.\n"And\\nanother."\n')
    told = json.loads(run(deployment, "--model", live_model, "--prompts", str(prompts), "--json").stdout)
    assert told["texts"] == 2


@pytest.fixture
def live_model():
    """A server that speaks chat completions, on a port of its own, in a thread."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"choices": [{"message": {"content": "It is not so."}}]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_errors_name_the_place_and_the_remedy(deployment):
    bad = deployment.path / "bad.jsonl"
    bad.write_text('"so"\nnot json\n')
    assert "line 2 is not JSON" in str(run(deployment, str(bad)).exception)
    bad.write_text('{"a": "b"}\n')
    assert "--field" in str(run(deployment, str(bad)).exception)
    bad.write_text('"It is not so."\n')
    empty = deployment.path / "empty"
    result = CliRunner().invoke(attribute_command, [str(bad), "--data", str(empty)])
    assert isinstance(result.exception, GatewayError)
    assert "--keys FILE" in str(result.exception)
    assert (
        run(deployment, "--model", "http://127.0.0.1:9", "--prompts", str(bad))
        .exception.args[0]
        .startswith("http://127.0.0.1:9 did not")
    )


@pytest.mark.parametrize(
    "arguments", [["attribute"], ["attribute", "x.jsonl", "--model", "http://x"], ["attribute", "--model", "http://x"]]
)
def test_called_wrongly(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "either SUSPECT.jsonl, or --model URL" in capsys.readouterr().err
