"""`gemma4 plan` and `explain` as people use them: files in, text or keys out, and an exit code."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from gemma4_operator.cli import inputs
from gemma4_operator.cli.main import main
from gemma4_operator.planner.plan import Plan
from gemma4_operator.planner.record import record
from tests.cluster.fakenodes import fake_gpu_node
from tests.rendering import plan_of
from tests.unit.cli.calls import MIXED, SPARK, UNPAYABLE, deployment, told, written
from tests.unit.planner.plans import a_plan

LIMITS: dict[str, tuple[dict[str, Any], int]] = {
    "price": ({"objectives": {"maximumHourlyCost": "4.00"}}, 2),
    "GPUs": ({"placement": {"maximumGPUs": 3, "gpusPerReplica": 1}}, 3),
}
"""Limits that one replica keeps, and how many replicas do."""


class TestPlan:
    def test_a_plan_has_the_keys_that_scripts_read(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        result = told(["plan", "-f", written(tmp_path, deployment()), "--inventory", MIXED], capsys)
        assert list(result) == [
            "namespace",
            "name",
            "feasible",
            "fits",
            "plan",
            "replicas",
            "alternatives",
            "relaxations",
            "nodes",
        ]
        assert (result["feasible"], result["fits"], result["relaxations"]) == (True, True, [])
        assert result["replicas"] == 1
        assert "alternatives" not in result["plan"], "told once"

    def test_it_is_the_operators_own_choice(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        spec = {"model": {"variant": "12B"}, "placement": {"gpuProducts": ["NVIDIA-L40S"]}}
        result = told(["plan", "-f", written(tmp_path, deployment(spec=spec)), "--inventory", SPARK], capsys)
        plan = plan_of(spec)
        assert isinstance(plan, Plan)
        expected = record(plan).to_json()
        assert result["plan"]["hash"] == expected["hash"]
        assert result["plan"]["gpuProduct"] == "NVIDIA-L40S"

    def test_several_deployments_give_a_list_and_the_worst_exit_code(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        file = written(tmp_path, deployment("one"), deployment("two", UNPAYABLE), deployment("three"))
        results = told(["plan", "-f", file, "--inventory", MIXED], capsys, code=3)
        assert [(one["name"], one["feasible"]) for one in results] == [("one", True), ("two", False), ("three", True)]

    def test_nothing_works_is_exit_code_3_with_ways_out(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        exactly = {"model": {"variant": "31B", "quantization": "BF16"}}
        spec = {**exactly, "objectives": {"timePerOutputTokenMilliseconds": 20}}
        file = written(tmp_path, deployment(spec=spec))
        result = told(["plan", "-f", file, "--inventory", SPARK], capsys, code=3)
        assert result["plan"] is None
        assert result["reason"] == "Infeasible"
        assert result["relaxations"]
        assert result["message"].startswith(
            "Nothing serves this. The nearest way, 31B in BF16 on VLLM with 1x NVIDIA-GB10"
        )

    def test_what_no_node_has_is_said_of_the_nearest_way(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        exactly = {"model": {"variant": "31B", "quantization": "BF16"}, "engine": {"type": "VLLM"}}
        file = written(tmp_path, deployment(spec={**exactly, "placement": {"gpusPerReplica": 16}}))
        result = told(["plan", "-f", file, "--inventory", MIXED], capsys, code=3)
        assert result["message"].startswith(
            "Nothing serves this. The nearest way is 31B in BF16 on VLLM with 1x NVIDIA-H100-80GB-HBM3: "
            "no node has 16 NVIDIA-H100-80GB-HBM3, the largest has 8."
        )

    @pytest.mark.parametrize("limit", LIMITS)
    def test_more_replicas_than_a_limit_allows_are_refused_as_the_operator_does(
        self, limit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        section, most = LIMITS[limit]
        spec = {"workload": {"requestsPerMinute": 10}, "replicas": 8, **section}
        result = told(["plan", "-f", written(tmp_path, deployment(spec=spec)), "--inventory", MIXED], capsys, code=3)
        assert (result["feasible"], result["plan"], result["reason"]) == (False, None, "OverBudget")
        assert result["message"].startswith("`spec.replicas` is 8, which ")
        fewer = written(tmp_path, deployment(spec={**spec, "replicas": most}))
        assert told(["plan", "-f", fewer, "--inventory", MIXED], capsys)["feasible"]

    def test_without_a_namespace_it_is_the_default_one(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment(namespace=None))
        assert told(["plan", "-f", file, "--inventory", SPARK], capsys)["namespace"] == "default"

    @pytest.mark.parametrize("verb", ["plan", "explain", "render"])
    def test_n_fills_in_the_namespace_that_a_file_does_not_have(
        self, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        file = written(tmp_path, deployment(namespace=None))
        result = told([verb, "-f", file, "-n", "team-b", "--inventory", SPARK], capsys)
        assert (result["items"][0]["metadata"] if verb == "render" else result)["namespace"] == "team-b"

    @pytest.mark.parametrize("verb", ["plan", "explain", "render", "compare"])
    def test_n_that_contradicts_a_file_is_refused(self, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment("other", namespace=None), deployment())
        compared = ["plan", "--compare", file] if verb == "compare" else [verb]
        assert main([*compared, "-f", file, "-n", "team-b", "--inventory", SPARK]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err == (
            f"gemma4: `-n` must be 'team-a', the namespace that Gemma4Deployment 'chat' has in object 2 of {file}, "
            "and is 'team-b': leave `-n` out\n"
        )

    def test_n_that_says_what_the_file_says_is_fine(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment())
        assert told(["plan", "-f", file, "-n", "team-a", "--inventory", SPARK], capsys)["namespace"] == "team-a"

    def test_nodes_may_come_from_kubectl_itself(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(inputs.sys, "stdin", io.StringIO(Path(SPARK).read_text()))
        result = told(["plan", "-f", written(tmp_path, deployment()), "--inventory", "-"], capsys)
        assert result["plan"]["gpuProduct"] == "NVIDIA-GB10"

    def test_or_the_deployments(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(inputs.sys, "stdin", io.StringIO(json.dumps(deployment())))
        assert told(["plan", "-f", "-", "--inventory", SPARK], capsys)["feasible"]

    def test_nodes_that_are_not_understood_are_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        result = told(["plan", "-f", written(tmp_path, deployment()), "--inventory", MIXED], capsys)
        assert any("'mystery-1'" in note for note in result["nodes"])

    KEPT_AWAY: ClassVar[dict[str, tuple[dict[str, Any], dict[str, Any], str]]] = {
        "a taint": (
            {"taints": [{"key": "team", "value": "b", "effect": "NoSchedule"}]},
            {},
            "the taint team=b:NoSchedule",
        ),
        "a cordon": ({"unschedulable": True}, {}, "'gpu-1' has GPUs and is cordoned"),
        "a selector": ({}, {"nodeSelector": {"zone": "b"}}, "not the label zone=b"),
    }

    @pytest.mark.parametrize("what", KEPT_AWAY)
    @pytest.mark.parametrize("verb", ["plan", "explain", "render", "compare"])
    def test_what_keeps_pods_from_all_gpus_is_the_reason_that_is_told(
        self, verb: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        node, placement, words = self.KEPT_AWAY[what]
        gpu = fake_gpu_node("gpu-1", product="NVIDIA-L40S", memory_mib=46068)
        (tmp_path / "nodes.json").write_text(json.dumps({**gpu, "spec": {**gpu.get("spec", {}), **node}}))
        file = written(tmp_path, deployment(spec={"placement": placement} if placement else {}))
        compared = ["plan", "--compare", file] if verb == "compare" else [verb]
        assert main([*compared, "-f", file, "--inventory", str(tmp_path / "nodes.json")]) == 3
        printed = " ".join("".join(capsys.readouterr()).split())
        assert "that the planner understands and these pods may use" in printed
        assert words in printed
        assert printed.count(words) == 1

    @pytest.mark.parametrize("verb", ["plan", "explain"])
    def test_a_selector_that_no_node_meets_may_be_dropped(
        self, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        file = written(tmp_path, deployment(spec={"placement": {"nodeSelector": {"zone": "b"}}}))
        assert main([verb, "-f", file, "--inventory", MIXED]) == 3
        assert "- drop `spec.placement.nodeSelector`: " in capsys.readouterr().out

    def test_pods_of_a_file_decide_what_is_free(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        pods = [
            {
                "kind": "Pod",
                "metadata": {"name": f"busy-{number}", "namespace": "b"},
                "spec": {
                    "nodeName": f"spark-{number}",
                    "containers": [{"resources": {"limits": {"nvidia.com/gpu": 1}}}],
                },
            }
            for number in (1, 2)
        ]
        (tmp_path / "pods.json").write_text(json.dumps({"kind": "PodList", "items": pods}))
        arguments = ["plan", "-f", written(tmp_path, deployment()), "--inventory", SPARK]
        assert "notes" not in told(arguments, capsys)["plan"]
        result = told([*arguments, "--pods", str(tmp_path / "pods.json")], capsys)
        assert any("free GPUs" in note for note in result["plan"]["notes"])


MANY: dict[str, tuple[dict[str, Any], str, str]] = {
    "a count of the user's": ({"replicas": 3}, "3", "spec.replicas"),
    "beside a workload that needs fewer": (
        {"replicas": 3, "workload": {"requestsPerMinute": 1}},
        "3",
        "spec.replicas",
    ),
    "the fewest of an autoscaler": (
        {"autoscaling": {"minReplicas": 5, "maxReplicas": 9}},
        "5",
        "spec.autoscaling.minReplicas",
    ),
}
"""What two nodes with one GPU each have no room for."""


class TestReplicasWithoutRoom:
    """The operator plans them, and their pods wait for nodes; before anything is applied that is no success."""

    @pytest.mark.parametrize("case", MANY)
    def test_a_plan_says_so_and_ends_with_3(self, case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        spec, wanted, field = MANY[case]
        file = written(tmp_path, deployment(spec=spec))
        result = told(["plan", "-f", file, "--inventory", SPARK], capsys, code=3)
        assert (result["feasible"], result["fits"]) == (True, False)
        assert result["plan"] is not None
        sentence = (
            f"Only 2 of {wanted} replicas can run: each takes 1x NVIDIA-GB10, and all nodes together have no more, "
            f"taken or free. Add nodes, or lower `{field}`."
        )
        assert result["message"] == sentence
        assert main(["plan", "-f", file, "--inventory", SPARK]) == 3
        assert sentence in " ".join(capsys.readouterr().out.split())

    @pytest.mark.parametrize("case", MANY)
    def test_an_account_agrees(self, case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        spec, wanted, _ = MANY[case]
        file = written(tmp_path, deployment(spec=spec))
        result = told(["explain", "-f", file, "--inventory", SPARK], capsys, code=3)
        (section,) = (section for section in result["sections"] if section["title"] == "How many run")
        assert (result["feasible"], result["fits"]) == (True, False)
        assert section["lines"][0].startswith(f"Only 2 of {wanted} replicas can run")

    @pytest.mark.parametrize("verb", ["plan", "explain"])
    def test_as_many_as_there_are_gpus_have_room(self, verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment(spec={"replicas": 2}))
        assert told([verb, "-f", file, "--inventory", SPARK], capsys)["fits"]

    def test_a_product_that_is_named_is_taken_to_come(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment(spec={"replicas": 100, "placement": {"gpuProducts": ["NVIDIA-L40S"]}}))
        result = told(["plan", "-f", file, "--inventory", SPARK], capsys)
        assert result["fits"]
        assert "No node for these pods has NVIDIA-L40S now: they wait until one comes." in result["plan"]["notes"]

    def test_the_operators_own_plan_does_not_know_of_it(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment(spec={"replicas": 3}))
        assert main(["render", "-f", file, "--inventory", SPARK]) == 0
        documents = list(yaml.safe_load_all(capsys.readouterr().out))
        assert documents[0]["spec"]["replicas"] == 3


class TestCatalog:
    def test_a_price_of_ones_own(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        (tmp_path / "own.yaml").write_text('prices: {NVIDIA-GB10: "7.77"}\n')
        arguments = ["plan", "-f", written(tmp_path, deployment()), "--inventory", SPARK]
        result = told([*arguments, "--catalog", str(tmp_path / "own.yaml")], capsys)
        assert result["plan"]["hourlyCost"] == "7.77"

    def test_what_is_wrong_in_it_is_told_and_the_rest_counts(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        own = tmp_path / "own.yaml"
        own.write_text('prices: {NVIDIA-GB10: "7.77", NVIDIA-NOPE: "1"}\n')
        arguments = ["plan", "-f", written(tmp_path, deployment()), "--inventory", SPARK, "--catalog", str(own)]
        assert main([*arguments, "-o", "json"]) == 0
        printed = capsys.readouterr()
        assert json.loads(printed.out)["plan"]["hourlyCost"] == "7.77"
        assert printed.err.startswith(f"gemma4: {own}: prices.NVIDIA-NOPE: must be a product of the catalogue")
        assert printed.err.count("\n") == 1

    def test_a_catalogue_that_is_not_there(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        arguments = ["plan", "-f", written(tmp_path, deployment()), "--inventory", SPARK, "--catalog", "gone.yaml"]
        assert main(arguments) == 2
        assert (
            capsys.readouterr().err == "gemma4: gone.yaml: must be a file that can be read: No such file or directory\n"
        )


class TestExplain:
    def test_the_account_as_text(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert main(["explain", "-f", written(tmp_path, deployment()), "--inventory", MIXED]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "team-a/chat"
        assert {"Memory of each GPU:", "Why:", "What lost:", "What would change the answer:"} <= set(lines)

    def test_the_same_in_keys(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        result = told(["explain", "-f", written(tmp_path, deployment()), "--inventory", MIXED], capsys)
        assert list(result) == ["namespace", "name", "feasible", "fits", "summary", "sections"]
        assert all(set(section) == {"title", "lines"} and section["lines"] for section in result["sections"])

    def test_how_many_may_run_is_told_where_the_operator_decides(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        spec = {"autoscaling": {"minReplicas": 0, "maxReplicas": 9}, "placement": {"maximumGPUs": 2}}
        result = told(["explain", "-f", written(tmp_path, deployment(spec=spec)), "--inventory", SPARK], capsys)
        (section,) = (section for section in result["sections"] if section["title"] == "How many run")
        assert section["lines"][0].endswith("0 to 2, 1 at first.")
        fixed = told(["explain", "-f", written(tmp_path, deployment()), "--inventory", SPARK], capsys)
        assert "How many run" not in [section["title"] for section in fixed["sections"]]

    def test_more_replicas_than_a_limit_allows(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        spec = {"workload": {"requestsPerMinute": 10}, "replicas": 8, "placement": {"maximumGPUs": 2}}
        file = written(tmp_path, deployment(spec=spec))
        result = told(["explain", "-f", file, "--inventory", SPARK], capsys, code=3)
        (section,) = (section for section in result["sections"] if section["title"] == "How many run")
        assert not result["feasible"]
        assert section["lines"][0].startswith("`spec.replicas` is 8, which takes ")

    def test_nothing_works(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        result = told(
            ["explain", "-f", written(tmp_path, deployment(spec=UNPAYABLE)), "--inventory", SPARK], capsys, code=3
        )
        titles = [section["title"] for section in result["sections"]]
        assert titles == ["What lost, the nearest first", "What would work"]
        assert "What would work" not in result["summary"]

    def test_several(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = written(tmp_path, deployment("one"), deployment("two"))
        assert [one["name"] for one in told(["explain", "-f", file, "--inventory", SPARK], capsys)] == ["one", "two"]

    def test_what_runs_and_would_no_longer_be_chosen(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        fresh = told(["plan", "-f", written(tmp_path, deployment()), "--inventory", SPARK], capsys)["plan"]
        old = record(a_plan(hash=fresh["hash"])).to_json()
        file = written(tmp_path, {**deployment(), "status": {"plan": old}})
        result = told(["explain", "-f", file, "--inventory", SPARK], capsys)
        assert result["sections"][-1] == {
            "title": "About nodes and what runs",
            "lines": [
                "What runs was chosen earlier and stays as long as the spec does: "
                "31B in BF16 on VLLM with 1x NVIDIA-H200."
            ],
        }

    def test_what_runs_and_would_be_chosen_again_needs_no_word(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        fresh = told(["plan", "-f", written(tmp_path, deployment()), "--inventory", SPARK], capsys)["plan"]
        file = written(tmp_path, {**deployment(), "status": {"plan": fresh}})
        sections = told(["explain", "-f", file, "--inventory", SPARK], capsys)["sections"]
        assert sections[-1]["title"] != "About nodes and what runs"


class TestProcess:
    def test_planning_needs_no_client_of_a_cluster(self):
        heavy = ("kubernetes", "kopf", "aiohttp", "asyncio", "jinja2")
        script = f"import sys, gemma4_operator.cli.main; print([one for one in {heavy!r} if one in sys.modules])"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n"

    def test_a_reader_that_has_seen_enough_is_no_error(self, tmp_path: Path):
        file = written(tmp_path, *(deployment(f"chat-{number}") for number in range(40)))
        program = "import sys; from gemma4_operator.cli.main import main; sys.exit(main())"
        command = f"'{sys.executable}' -c '{program}' plan -f '{file}' --inventory '{SPARK}' -o yaml"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command} | head -n 1"], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "- namespace: team-a\n", "")
