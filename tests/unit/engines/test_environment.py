"""What the user adds to the operator's variables, and what the user may not set."""

from gemma4_operator.engines.base import EnvVar, SecretSource
from gemma4_operator.engines.environment import clash, from_secret, merged
from tests.rendering import a_serving

OWN = (EnvVar(name="HOME", value="/scratch"), EnvVar(name="TMPDIR", value="/tmp"))
TOKEN = SecretSource(name="hub", key="token")


class TestMerged:
    def test_the_users_variables_come_after_the_operators(self) -> None:
        assert [variable.name for variable in merged(OWN, [("Z", "1"), ("A", "2")])] == ["HOME", "TMPDIR", "Z", "A"]

    def test_of_the_users_own_duplicates_the_last_one_stays(self) -> None:
        assert merged((), [("A", "1"), ("B", "2"), ("A", "3")]) == (
            EnvVar(name="A", value="3"),
            EnvVar(name="B", value="2"),
        )

    def test_of_the_operators_own_duplicates_the_last_one_stays(self) -> None:
        assert merged((*OWN, EnvVar(name="HOME", value="/cache")), []) == (EnvVar(name="HOME", value="/cache"), OWN[1])


class TestFromSecret:
    def test_a_secret_becomes_a_reference(self) -> None:
        assert from_secret("HF_TOKEN", TOKEN) == (EnvVar(name="HF_TOKEN", secret=TOKEN),)

    def test_no_secret_no_variable(self) -> None:
        assert from_secret("HF_TOKEN", None) == ()


class TestClash:
    def test_what_the_operator_does_not_set_is_free(self) -> None:
        assert clash(a_serving(env=(("HF_TOKEN", "x"),)), OWN, fields={}) is None

    def test_what_a_field_sets_is_refused_with_the_field(self) -> None:
        fields = {"HF_TOKEN": "spec.secrets.huggingFaceToken"}
        assert clash(a_serving(env=(("A", "1"), ("HF_TOKEN", "x"))), OWN, fields=fields) == (
            "`spec.engine.env` must not set 'HF_TOKEN': set `spec.secrets.huggingFaceToken` instead."
        )

    def test_what_the_operator_sets_is_refused_with_its_value(self) -> None:
        assert clash(a_serving(env=(("TMPDIR", "/var/tmp"),)), OWN, fields={}) == (
            "`spec.engine.env` must not set 'TMPDIR', which the operator sets to '/tmp': leave it out."
        )
