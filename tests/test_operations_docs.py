"""The examples of docs/operations.md that other programs read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from citygraph.web.sparql import server_metrics

PAGE = (Path(__file__).parents[1] / "docs" / "operations.md").read_text("utf-8")
CONFIG, RULES = (re.search(rf"```yaml\n({word}:.*?)```", PAGE, re.DOTALL)[1] for word in ("rule_files", "groups"))  # type: ignore[index]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed")
def test_prometheus_accepts_the_configuration_and_the_rules(tmp_path: Path) -> None:
    """(18) `promtool check config`, which reads the rules too."""
    (tmp_path / "prometheus.yml").write_text(CONFIG)
    (tmp_path / "citygraph-rules.yml").write_text(RULES)
    command = [str(shutil.which("promtool")), "check", "config", "prometheus.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "9 rules found" in done.stdout


def test_rules_and_table_name_metrics_that_exist() -> None:
    """(18) A rule about a misspelt metric would never alert."""
    code = Path(server_metrics.__file__).read_text()
    exist = {f"citygraph_{name}" for name in re.findall(r'"(?:citygraph_)?([a-z_]+)"', code)}
    table = set(re.findall(r"`(citygraph_\w+)", PAGE))
    rules = [rule["expr"] for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]]
    named = table | {name for expression in rules for name in re.findall(r"citygraph_\w+", expression)}
    assert {re.sub("_(total|bucket|info)$", "", name) for name in named} <= exist
    assert len(table) > 15
