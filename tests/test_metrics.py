"""The metrics: what is used is defined, what is defined is used, and neither clients nor policies can make them grow."""

from __future__ import annotations

import ast

import pytest

from gateway.metrics import METRICS, Metrics, document

KIND_OF_CALL = {"count": "counter", "gauge": "gauge", "observe": "histogram"}


def uses(root):
    """(metric, kind, number of labels or None, place) of each call on a meter in the package."""
    for file in sorted((root / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KIND_OF_CALL and node.args
            ):
                continue
            first = node.args[0]
            if not (isinstance(first, ast.Constant) and str(first.value).startswith("gateway_")):
                continue
            given = node.args[1:] if node.func.attr == "count" else node.args[2:]
            named = [keyword.value for keyword in node.keywords if keyword.arg == "labels"]
            labels = (given[:1] or named or [ast.Tuple([])])[0]
            number = len(labels.elts) if isinstance(labels, ast.Tuple) else None
            yield first.value, KIND_OF_CALL[node.func.attr], number, f"{file.relative_to(root)}:{node.lineno}"


def test_each_metric_that_the_code_uses_is_in_the_table_with_its_kind_and_its_labels(root):
    table = {metric.name: metric for metric in METRICS}
    for name, kind, labels, place in uses(root):
        assert name in table, f"{place}: {name} is not in the table"
        assert table[name].kind == kind, place
        assert labels in {None, len(table[name].labels)}, f"{place}: {name} has the labels {table[name].labels}"


def test_each_metric_of_the_table_is_used_somewhere(root):
    assert {metric.name for metric in METRICS} == {name for name, *_ in uses(root)}


def test_names_stand_once_and_counters_end_in_total():
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert bool(metric.buckets) == (metric.kind == "histogram"), metric.name


def test_no_label_holds_what_a_client_chooses():
    chosen = {"model", "peer", "key", "key_id", "account", "caller", "path", "tag", "user_agent"}
    assert not chosen & {label for metric in METRICS for label in metric.labels}


def test_the_page_in_docs_is_the_table(root):
    assert (root / "docs/metrics.md").read_text() == document(), "run: python -m gateway.metrics > docs/metrics.md"


def test_counters_gauges_and_histograms_come_out_as_prometheus_text():
    metrics = Metrics()
    metrics.count("gateway_settles_total", ("settled",))
    metrics.count("gateway_settles_total", ("settled",), 4)
    metrics.gauge("gateway_in_flight", 3.0)
    metrics.observe("gateway_audit_write_seconds", 0.002)
    text = metrics.render().decode()
    assert 'gateway_settles_total{outcome="settled"} 5.0' in text
    assert "gateway_in_flight 3.0" in text
    assert 'gateway_audit_write_seconds_bucket{le="0.003"} 1.0' in text
    assert 'gateway_audit_write_seconds_bucket{le="0.001"} 0.0' in text
    assert "process_resident_memory_bytes" in text
    assert "python_gc_collections_total" in text
    assert "gateway_settles_created" not in text
    assert metrics.content_type.startswith("text/plain")


def test_two_gateways_in_one_process_count_apart():
    one, other = Metrics(), Metrics()
    one.count("gateway_disconnects_total")
    assert "gateway_disconnects_total 1.0" in one.render().decode()
    assert "gateway_disconnects_total 0.0" in other.render().decode()


def test_past_its_cap_a_metric_counts_under_other_and_the_sum_stays_true():
    metrics = Metrics(max_series=3)
    for number in range(50):
        metrics.count("gateway_upstream_errors_total", (f"u{number}", "connect"))
    metrics.count("gateway_upstream_errors_total", ("u0", "connect"))
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith("gateway_upstream_errors_total{")]
    assert len(lines) == 4
    assert 'gateway_upstream_errors_total{fault="other",upstream="other"} 47.0' in lines
    assert sum(float(line.split()[-1]) for line in lines) == 51


def test_a_label_that_cannot_be_encoded_does_not_break_the_page():
    metrics = Metrics()
    metrics.count("gateway_refusals_total", ("limit.\ud800" + "x" * 500,))
    assert b'reason="limit.?x' in metrics.render()


def test_a_name_or_a_number_of_labels_that_the_table_does_not_have_is_a_mistake_of_the_code():
    with pytest.raises(KeyError):
        Metrics().count("gateway_unheard_of_total")
    with pytest.raises(ValueError, match="label"):
        Metrics().count("gateway_settles_total", ("a", "b"))
