"""The shelf: the newest state wins, the dead stay dead, a listing is the truth of its moment."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gemma4_operator.runtime.store import Key, Shelf, key_of

OWNER = Key("team", "chat")


def raw(name: str = "chat", *, version: int = 1, uid: str = "u1", owner: str | None = "chat") -> dict[str, Any]:
    labels = {"owner": owner} if owner else {}
    return {
        "metadata": {
            "namespace": "team",
            "name": name,
            "uid": uid,
            "resourceVersion": str(version),
            "labels": labels,
        }
    }


def labelled(obj: Any) -> Key | None:
    name = obj["metadata"]["labels"].get("owner")
    return Key(obj["metadata"]["namespace"], name) if name else None


def shelf() -> Shelf[int]:
    return Shelf(owner=labelled, reduce=lambda obj: int(obj["metadata"]["resourceVersion"]))


def test_a_new_object_is_news_for_its_owner() -> None:
    things = shelf()
    assert things.put(raw("pod-1", version=5)) == OWNER
    assert things.owned_by(OWNER) == (5,)
    assert things.owners() == (OWNER,)


def test_an_object_of_nobody_is_left_alone() -> None:
    things = shelf()
    assert things.put(raw(owner=None)) is None
    assert things.get(key_of(raw())) is None


def test_the_same_or_an_older_state_is_no_news() -> None:
    things = shelf()
    things.put(raw(version=5))
    assert things.put(raw(version=5)) is None
    assert things.put(raw(version=4)) is None
    assert things.get(OWNER) == 5


def test_the_late_answer_to_a_write_does_not_bring_back_the_dead() -> None:
    things = shelf()
    things.put(raw(version=5))
    assert things.remove(raw(version=7)) == OWNER
    assert things.put(raw(version=6)) is None
    assert things.get(OWNER) is None


def test_the_late_death_of_a_predecessor_does_not_touch_its_successor() -> None:
    things = shelf()
    things.put(raw(uid="old", version=5))
    things.put(raw(uid="new", version=9))
    assert things.remove(raw(uid="old", version=8)) is None
    assert things.get(OWNER) == 9


def test_an_object_that_lost_the_label_it_is_watched_by_comes_back() -> None:
    """The API server reports the loss as a deletion; the object lives on, and is repaired."""
    things = shelf()
    things.put(raw(version=5))
    assert things.remove(raw(version=6)) == OWNER
    assert things.put(raw(version=7)) == OWNER
    assert things.remove(raw(version=6)) is None
    assert things.get(OWNER) == 7


def test_an_object_that_lost_its_owner_is_news_for_who_had_it() -> None:
    things = shelf()
    things.put(raw(version=5))
    assert things.put(raw(version=6, owner=None)) == OWNER
    assert things.get(OWNER) is None


def test_a_listing_drops_what_it_must_have_seen_and_keeps_what_is_newer() -> None:
    things = shelf()
    things.put(raw("gone", version=5, uid="a", owner="x"))
    things.put(raw("newer", version=20, uid="b", owner="y"))
    news = things.replace([raw("here", version=7, uid="c", owner="z")], resource_version=10)
    assert news == {Key("team", "x"), Key("team", "z")}
    assert sorted(things.owners()) == [Key("team", "y"), Key("team", "z")]


def elsewhere(name: str, **about: Any) -> dict[str, Any]:
    obj = raw(name, **about)
    return {"metadata": {**obj["metadata"], "namespace": "other"}}


def test_a_listing_of_one_namespace_says_nothing_of_another() -> None:
    things = shelf()
    things.put(raw("gone", version=5, uid="a", owner="x"))
    things.put(elsewhere("stays", version=5, uid="b", owner="y"))
    assert things.replace([], resource_version=10, namespace="team") == {Key("team", "x")}
    assert things.owners() == (Key("other", "y"),)


def test_of_a_namespace_that_is_gone_all_is_forgotten_and_what_comes_after_it_is_taken() -> None:
    things = shelf()
    things.put(raw("one", version=5, uid="a", owner="x"))
    things.put(raw("two", version=50, uid="b", owner="x"))
    things.put(elsewhere("stays", version=5, uid="c", owner="y"))
    assert things.forget("team") == {Key("team", "x")}
    assert things.owners() == (Key("other", "y"),)
    assert things.put(raw("one", version=60, uid="d", owner="x")) == Key("team", "x")


def test_after_a_restore_of_etcd_the_next_listing_is_the_truth() -> None:
    """Versions count again from before, so all that is told is older than what is known."""
    things = shelf()
    things.replace([raw("kept", version=50_000, uid="a", owner="x")], resource_version=50_100)
    things.put(raw("gone", version=50_200, uid="b", owner="y"))
    things.remove(raw("back", version=50_300, uid="c", owner="z"))
    assert things.put(raw("kept", version=40_010, uid="a", owner="w")) is None
    back = [raw("kept", version=40_010, uid="a", owner="w"), raw("back", version=40_005, uid="c", owner="z")]
    assert things.replace(back, resource_version=40_020) == {Key("team", name) for name in "xwyz"} - {Key("team", "x")}
    assert sorted(things.owners()) == [Key("team", "w"), Key("team", "z")]
    assert things.put(raw("kept", version=40_011, uid="a", owner="v")) == Key("team", "v")


def test_a_restore_is_noticed_for_each_namespace_by_its_own_listings() -> None:
    things = shelf()
    things.replace([raw("here", version=50_000, uid="a")], resource_version=50_100, namespace="team")
    things.replace([elsewhere("there", version=50_000, uid="b")], resource_version=50_050, namespace="other")
    assert things.put(elsewhere("there", version=49_000, uid="b", owner="late")) is None
    assert things.replace([], resource_version=40_000, namespace="team") == {OWNER}
    assert things.replace([], resource_version=40_000, namespace="other") == {Key("other", "chat")}


def test_a_listing_without_news_is_no_news() -> None:
    things = shelf()
    things.put(raw(version=5))
    assert things.replace([raw(version=5)], resource_version=9) == set()


def test_an_object_that_changes_hands_leaves_the_first() -> None:
    things = shelf()
    things.put(raw("pod", version=1, owner="a"))
    things.put(raw("pod", version=2, owner="b"))
    assert things.owned_by(Key("team", "a")) == ()
    assert things.owned_by(Key("team", "b")) == (2,)


events = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "list"]), st.sampled_from("ab"), st.integers(0, 3)), max_size=30
)


@given(events, st.randoms(use_true_random=False))
def test_any_order_of_delivery_ends_in_what_the_server_has(history: list[tuple[str, str, int]], chance: Any) -> None:
    """Play a history on a server, deliver its events out of order and in part, then list: the shelf is right."""
    things, server, version, lives, backlog = shelf(), {}, 0, 0, []
    for action, name, _ in history:
        version += 1
        if action == "put":
            known = server.get(name)
            lives += known is None
            uid = known["metadata"]["uid"] if known else f"life-{lives}"
            server[name] = raw(name, version=version, uid=uid, owner=name)
            backlog.append(("put", server[name]))
        elif action == "remove" and name in server:
            uid = server.pop(name)["metadata"]["uid"]
            backlog.append(("remove", raw(name, version=version, uid=uid, owner=name)))
    chance.shuffle(backlog)
    for what, obj in backlog[: len(backlog) // 2]:
        getattr(things, what)(obj)
    things.replace(list(server.values()), resource_version=version)
    for what, obj in backlog[len(backlog) // 2 :]:
        getattr(things, what)(obj)
    things.replace(list(server.values()), resource_version=version)
    expected = {Key("team", name): int(obj["metadata"]["resourceVersion"]) for name, obj in server.items()}
    assert {key: things.get(key) for key in expected} == expected
    assert set(things.owners()) == set(expected)
