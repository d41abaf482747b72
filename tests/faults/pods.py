"""Every way in which a pod can fail to serve, each once."""

from gemma4_operator.status.reasons import Reason
from tests.faults.fault import Fault, Kind
from tests.faults.replay import field_case, killed_by_probe, unplaced, waiting

SCHEDULING = (
    field_case("All GPUs of the right kind are taken", "d004", Kind.SCHEDULING),
    field_case("Nodes lack memory for one more pod", "d006", Kind.SCHEDULING),
    field_case("Nodes with GPUs have a taint", "d010", Kind.SCHEDULING),
    field_case("No node has the labels asked for", "d012", Kind.SCHEDULING),
    field_case("The volume lies in another zone", "d014", Kind.SCHEDULING),
    field_case("The claim has no volume", "d018", Kind.SCHEDULING),
    field_case("All nodes that fit are lost or cordoned", "d132", Kind.SCHEDULING),
    unplaced(
        "No node for a cause that has no name",
        Reason.UNSCHEDULABLE,
        message="0/3 nodes are available: 3 node(s) are reserved by the batch system.",
        mention="reserved by the batch system",
    ),
)

IMAGES = (
    field_case("The image does not exist", "d032", Kind.IMAGES),
    field_case("The registry refuses the credentials", "d034", Kind.IMAGES),
    field_case("The key's organisation may not have the image", "d038", Kind.IMAGES),
    field_case("The registry limits pulls", "d040", Kind.IMAGES),
    field_case("The image is for another processor", "d044", Kind.IMAGES),
    field_case("The node's disk has no room for the image", "d046", Kind.IMAGES),
    field_case("The registry cannot be reached", "d144", Kind.IMAGES),
    field_case("The registry's certificate is not trusted", "d146", Kind.IMAGES),
    waiting(
        "The image cannot be pulled and nobody says why",
        Kind.IMAGES,
        Reason.IMAGE_PULL_FAILED,
        because="ImagePullBackOff",
        message='Back-off pulling image "registry.test/engine:1"',
        mention="registry.test/engine:1",
    ),
)

CREATION = (
    field_case("A volume cannot be attached", "d020", Kind.CREATION),
    field_case("A volume cannot be mounted", "d022", Kind.CREATION),
    field_case("A Secret or a key in it is missing", "d048", Kind.CREATION),
    field_case("The runtime class has no handler on the node", "d050", Kind.CREATION),
    field_case("The driver is too old for the image", "d054", Kind.CREATION),
    field_case("The device plugin gives the pod no GPU", "d058", Kind.CREATION),
    field_case("The kubelet finds too little memory after all", "d060", Kind.CREATION),
    field_case("A GPU has failed and is not given away", "d136", Kind.CREATION),
    waiting(
        "A container cannot be made for a cause that has no name",
        Kind.CREATION,
        Reason.CONTAINER_CONFIG_ERROR,
        because="CreateContainerError",
        message='failed to reserve container name "x": name "x" is reserved for "abc"',
        mention="reserved",
    ),
)

ENGINES = (
    field_case("Another process holds the GPU's memory", "d062", Kind.ENGINES),
    field_case("The weights do not fit the GPU", "d066", Kind.ENGINES),
    field_case("The cache of one request does not fit the GPU", "d070", Kind.ENGINES),
    field_case("The GPU cannot run the number format", "d072", Kind.ENGINES),
    field_case("The engine is too old for the model", "d076", Kind.ENGINES),
    field_case("The hub refuses the token", "d080", Kind.ENGINES),
    field_case("The account may not have the model", "d084", Kind.ENGINES),
    field_case("The hub has no such model", "d086", Kind.ENGINES),
    field_case("The weights are not where the engine looks", "d088", Kind.ENGINES),
    field_case("A file of the weights is damaged", "d092", Kind.ENGINES),
    field_case("The NIM has no profile for the GPU", "d096", Kind.ENGINES),
    field_case("Shared memory is too small", "d100", Kind.ENGINES),
    field_case("The GPUs cannot talk to each other", "d102", Kind.ENGINES),
    field_case("An argument of the engine is wrong", "d104", Kind.ENGINES),
    field_case("The port is taken", "d110", Kind.ENGINES),
    field_case("The cache cannot be written", "d112", Kind.ENGINES),
    field_case("The volume of the cache is full", "d118", Kind.ENGINES),
    field_case("A hook after the start fails", "d150", Kind.ENGINES),
    field_case("The engine ends without a word", "d152", Kind.ENGINES),
    field_case("The driver is missing in the container", "d052", Kind.ENGINES),
)

KILLED = (
    field_case("Main memory is too small to load the weights", "d124", Kind.KILLED),
    killed_by_probe(
        "The startup probe kills an engine that still loads",
        Reason.PROBE_KILLED_DURING_START,
        probe="startup",
        failure="HTTP probe failed with statuscode: 503",
        ran=("2026-11-20T08:00:00Z", "2026-11-20T08:12:00Z"),
    ),
    killed_by_probe(
        "The liveness probe kills an engine that hangs",
        Reason.PROBE_KILLED,
        probe="liveness",
        failure="context deadline exceeded",
        ran=("2026-11-15T08:00:00Z", "2026-11-20T08:00:00Z"),
    ),
    field_case("The node evicts the pod", "d120", Kind.KILLED),
    field_case("A pod of higher priority takes the place", "d024", Kind.KILLED),
)

TOLD: tuple[Fault, ...] = (*SCHEDULING, *IMAGES, *CREATION, *ENGINES, *KILLED)
