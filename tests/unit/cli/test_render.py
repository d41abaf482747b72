"""`gemma4 render`: what the operator would apply, of the plan that it would keep."""

import json
from pathlib import Path

import pytest
import yaml

from gemma4_operator.cli.main import main
from gemma4_operator.planner.record import record
from tests.unit.cli.calls import SPARK, UNPAYABLE, deployment, told, written
from tests.unit.planner.plans import a_plan


class TestRender:
    def test_documents_in_the_order_of_applying(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert main(["render", "-f", written(tmp_path, deployment()), "--inventory", SPARK]) == 0
        documents = list(yaml.safe_load_all(capsys.readouterr().out))
        assert [one["kind"] for one in documents] == ["Deployment", "Service", "PodDisruptionBudget"]
        assert {one["metadata"]["namespace"] for one in documents} == {"team-a"}

    def test_as_one_list(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment("one"), deployment("two"))
        result = told(["render", "-f", file, "--inventory", SPARK], capsys)
        assert (result["kind"], len(result["items"])) == ("List", 6)

    def test_the_owner_is_the_one_of_the_cluster_where_it_is_known(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        file = written(tmp_path, deployment(uid="4d0c"))
        result = told(["render", "-f", file, "--inventory", SPARK], capsys)
        assert result["items"][0]["metadata"]["ownerReferences"][0]["uid"] == "4d0c"

    def test_what_runs_stays_as_the_operator_would_leave_it(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        fresh = told(["plan", "-f", written(tmp_path, deployment()), "--inventory", SPARK], capsys)["plan"]
        old = record(a_plan(hash=fresh["hash"], image="registry.example.com/vllm:v0.1")).to_json()
        file = written(tmp_path, {**deployment(), "status": {"plan": old}})
        assert "registry.example.com/vllm:v0.1" in json.dumps(
            told(["render", "-f", file, "--inventory", SPARK], capsys)
        )

    @pytest.mark.parametrize(("bounds", "replicas"), [({"minReplicas": 0}, 1), ({}, 1), ({"minReplicas": 2}, 2)])
    def test_an_autoscaled_one_as_it_begins(
        self, bounds: dict[str, int], replicas: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        file = written(tmp_path, deployment(spec={"autoscaling": {**bounds, "maxReplicas": 9}}))
        result = told(["render", "-f", file, "--inventory", SPARK], capsys)
        assert result["items"][0]["spec"]["replicas"] == replicas

    def test_one_of_two_that_nothing_serves(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment("no", UNPAYABLE), deployment("yes"))
        assert main(["render", "-f", file, "--inventory", SPARK]) == 3
        printed = capsys.readouterr()
        assert {one["metadata"]["name"] for one in yaml.safe_load_all(printed.out)} == {"yes"}
        assert printed.err.startswith("gemma4: team-a/no: Nothing serves this.")

    def test_more_replicas_than_a_limit_allows_are_not_rendered(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        limited = {"workload": {"requestsPerMinute": 10}, "placement": {"maximumGPUs": 2}}
        fresh = told(["plan", "-f", written(tmp_path, deployment(spec=limited)), "--inventory", SPARK], capsys)["plan"]
        many = deployment(spec={**limited, "replicas": 3})
        for one in (many, {**many, "status": {"plan": fresh}}):
            assert main(["render", "-f", written(tmp_path, one), "--inventory", SPARK]) == 3
            printed = capsys.readouterr()
            assert printed.out == ""
            assert printed.err.startswith("gemma4: team-a/chat: `spec.replicas` is 3, which takes 3 GPUs")

    def test_a_patch_that_goes_too_far(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        patch = {"spec": {"hostNetwork": True}}
        file = written(tmp_path, deployment(spec={"podTemplatePatch": patch}))
        assert main(["render", "-f", file, "--inventory", SPARK]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err == (
            "gemma4: team-a/chat: `spec.podTemplatePatch.spec.hostNetwork` must not be true: "
            "no engine needs the host's own.\n"
        )
