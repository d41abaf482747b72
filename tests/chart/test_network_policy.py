"""The optional NetworkPolicy: whom the operator's pods may ask, and who may ask them.

No network plugin here enforces one, so these tests read it as a plugin does; the API server judges it in test_install.
"""

from typing import Any

import pytest

from gemma4_operator.planner.serving import CONTAINER_PORT
from gemma4_operator.render.labels import labels
from tests.chart.conftest import WALLED_OFF, Object, Render, only

pytestmark = pytest.mark.cluster

ON = "networkPolicy.enabled=true"
Rule = dict[str, Any]


def policy(render: Render, *sets: str) -> Object:
    spec: Object = only(render(*sets), "NetworkPolicy")["spec"]
    return spec


def ports(rule: Rule) -> set[tuple[str, int | str]]:
    return {(port.get("protocol", "TCP"), port["port"]) for port in rule.get("ports", ())}


def anywhere(egress: list[Rule]) -> set[tuple[str, int | str]]:
    """Return the ports that may be reached at any address."""
    return {port for rule in egress if "to" not in rule for port in ports(rule)}


def test_it_is_off_unless_asked_for(render: Render):
    assert "NetworkPolicy" not in {item["kind"] for item in render()}


def test_it_holds_the_operators_pods_and_no_others(render: Render):
    objects = render(ON)
    chosen = only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    pod = only(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert chosen.items() <= pod.items()
    assert not chosen.items() <= only(objects, "Pod")["metadata"]["labels"].items(), "the checkup"
    assert not chosen.items() <= labels("chat").items(), "an engine"


def test_both_ways_are_closed_but_for_what_is_named(render: Render):
    spec = policy(render, ON)
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule.get("ports") or rule.get("to") for rule in spec["egress"]), "an empty rule opens everything"


def test_metrics_and_probes_are_open_at_the_port_that_the_pod_names(render: Render):
    objects = render(ON)
    (ingress,) = only(objects, "NetworkPolicy")["spec"]["ingress"]
    (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert ports(ingress) == {("TCP", port["name"]) for port in container["ports"]}
    assert "from" not in ingress


def test_metrics_may_be_read_by_some_alone(render: Render):
    (ingress,) = policy(render, *WALLED_OFF)["ingress"]
    assert ingress["from"] == [{"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}]


def test_the_api_server_and_dns_are_reached(render: Render):
    dns: set[tuple[str, int | str]] = {("UDP", 53), ("TCP", 53)}
    assert anywhere(policy(render, ON)["egress"]) == dns | {("TCP", 443), ("TCP", 6443)}
    assert anywhere(policy(render, *WALLED_OFF)["egress"]) == dns | {("TCP", 9090)}, "its own, and the rest by address"


def test_of_the_api_servers_port_only_its_addresses_are_open_where_they_are_given(render: Render):
    egress = policy(render, ON, "networkPolicy.apiServerCIDRs={10.0.0.10/32,fd00::/64}")["egress"]
    (rule,) = [rule for rule in egress if ("TCP", 6443) in ports(rule)]
    assert rule["to"] == [{"ipBlock": {"cidr": "10.0.0.10/32"}}, {"ipBlock": {"cidr": "fd00::/64"}}]
    assert anywhere(egress) == {("UDP", 53), ("TCP", 53)}


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://prometheus.monitoring.svc:9090", 9090),
        ("http://prometheus.monitoring.svc", 80),
        ("https://prometheus.example.com/prefix:1/", 443),
        ("https://name:123@prometheus.example.com/", 443),
        ("http://[fd00::9]:9091/", 9091),
        ("http://[fd00::9]", 80),
    ],
)
def test_the_prometheus_that_is_asked_is_reached_at_the_port_of_its_address(render: Render, url: str, port: int):
    without = anywhere(policy(render, ON, "networkPolicy.apiServerPorts={6443}")["egress"])
    asked = anywhere(policy(render, ON, "networkPolicy.apiServerPorts={6443}", f"prometheus.url={url}")["egress"])
    assert asked - without == {("TCP", port)}


def test_or_at_the_ports_that_it_has_behind_its_service(render: Render):
    behind = ("prometheus.url=http://prometheus.monitoring.svc", "networkPolicy.prometheusPorts={9090}")
    opened = anywhere(policy(render, ON, *behind)["egress"])
    assert ("TCP", 9090) in opened
    assert ("TCP", 80) not in opened
    assert ("TCP", 9090) not in anywhere(policy(render, ON, behind[1])["egress"]), "nobody is asked"


def test_engines_are_reached_in_every_namespace_at_the_port_that_all_listen_at(render: Render):
    (rule,) = [rule for rule in policy(render, ON)["egress"] if "podSelector" in rule.get("to", [{}])[0]]
    (peer,) = rule["to"]
    assert peer["namespaceSelector"] == {}
    assert peer["podSelector"]["matchLabels"].items() <= labels("chat").items(), "the labels that the operator sets"
    assert ports(rule) == {("TCP", CONTAINER_PORT)}, "a policy sees the pod's port, and not the Service's"
