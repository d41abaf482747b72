"""Who wins when the operator and the user set the same variable, and what the user may not set."""

from gemma4_operator.engines.base import EnvVar, SecretSource
from gemma4_operator.engines.environment import clash, from_secret, merged
from tests.rendering import a_serving

OWN = (EnvVar(name="HOME", value="/scratch"), EnvVar(name="TMPDIR", value="/tmp"))
TOKEN = SecretSource(name="hub", key="token")


class TestMerged:
    def test_the_users_variables_come_after_the_operators(self) -> None:
        assert [variable.name for variable in merged(OWN, [("Z", "1"), ("A", "2")])] == ["HOME", "TMPDIR", "Z", "A"]

    def test_the_user_wins_and_the_entry_keeps_its_place(self) -> None:
        assert merged(OWN, [("HOME", "/home")]) == (EnvVar(name="HOME", value="/home"), OWN[1])

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
    def test_what_nobody_reserves_is_free(self) -> None:
        assert clash(a_serving(env=(("HF_TOKEN", "x"),)), {}) is None

    def test_a_reserved_name_is_refused_with_the_field_that_sets_it(self) -> None:
        assert clash(a_serving(env=(("A", "1"), ("HF_TOKEN", "x"))), {"HF_TOKEN": "spec.secrets.huggingFaceToken"}) == (
            "`spec.engine.env` must not set 'HF_TOKEN', which `spec.secrets.huggingFaceToken` does: "
            "remove one of the two."
        )
