"""What a team knows better than the built-in catalogue gets into the operator's pod."""

import pytest
import yaml

from tests.chart.conftest import HelmRun, Object, Render, only

pytestmark = pytest.mark.cluster

PRICE = ("catalog.overrides.prices.NVIDIA-L40S=0.99",)


def pod(objects: list[Object]) -> Object:
    template: Object = only(objects, "Deployment")["spec"]["template"]
    return template


def test_without_overrides_there_is_no_file(render: Render):
    objects = render()
    assert "ConfigMap" not in {obj["kind"] for obj in objects}
    (container,) = pod(objects)["spec"]["containers"]
    assert "GEMMA4_CATALOG_FILE" not in {variable["name"] for variable in container["env"]}


def test_overrides_become_a_file_that_the_operator_reads(render: Render):
    objects = render(*PRICE)
    config = only(objects, "ConfigMap")
    assert yaml.safe_load(config["data"]["catalog.yaml"]) == {"prices": {"NVIDIA-L40S": "0.99"}}
    spec = pod(objects)["spec"]
    (container,) = spec["containers"]
    (volume,) = [one for one in spec["volumes"] if one["name"] == "catalog"]
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == "catalog"]
    assert volume["configMap"]["name"] == config["metadata"]["name"]
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert variables["GEMMA4_CATALOG_FILE"] == f"{mount['mountPath']}/catalog.yaml"
    assert mount["readOnly"] is True


def test_other_overrides_are_another_pod(render: Render):
    name = "gemma4.dev/catalog-checksum"
    cheap, dear = (
        pod(render(f"catalog.overrides.prices.NVIDIA-L40S={price}"))["metadata"]["annotations"][name]
        for price in ("0.99", "9.99")
    )
    assert cheap != dear
    assert name not in pod(render())["metadata"]["annotations"]


def test_a_config_map_of_the_users_own_is_only_referred_to(render: Render):
    objects = render("catalog.existingConfigMap=ours")
    assert "ConfigMap" not in {obj["kind"] for obj in objects}
    (volume,) = [one for one in pod(objects)["spec"]["volumes"] if one["name"] == "catalog"]
    assert volume["configMap"] == {"name": "ours"}


def test_overrides_beside_it_are_refused_since_they_would_be_written_over_it(run_helm: HelmRun):
    result = run_helm("template", *PRICE, "catalog.existingConfigMap=ours")
    assert result.returncode != 0
    assert "catalog.existingConfigMap and catalog.overrides must not both be set" in result.stderr
