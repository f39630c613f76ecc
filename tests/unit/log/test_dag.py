from hashlib import sha256

import pytest

from protocol.errors import Misuse, Refusal
from protocol.log import dag as dag_module
from protocol.log.dag import NEVER, Dag
from protocol.log.operation import MAX_DEPS, Draft, Operation, decode_header

COUNCIL = sha256(b"council").digest()


class Log:
    """A dag whose operations have names; standing and epoch are given with each."""

    def __init__(self) -> None:
        self.dag = Dag()
        self.ops: dict[str, Operation] = {}
        self.clock = 0

    def make(self, name: str, *deps: str, depth: int | None = None) -> Operation:
        ids = tuple(self.ops[dep].id for dep in deps)
        if depth is None:
            depth = 1 + max((self.ops[dep].depth for dep in deps), default=-1)
        draft = Draft(COUNCIL if deps else b"", bytes(32), depth, ids, self.clock, "merge", {"name": name})
        return decode_header(draft.header(), b"")

    def add(self, name: str, *deps: str, standing: int = 0, root: bool = True, epoch: int | None = None) -> int:
        self.ops[name] = operation = self.make(name, *deps)
        placed = self.dag.place(operation)
        assert not isinstance(placed, Refusal)
        rows, implied = placed
        return self.dag.add(operation.id, operation.depth, rows, implied if epoch is None else epoch, standing, root)

    def names(self, rows: list[int]) -> list[str]:
        known = {operation.id: name for name, operation in self.ops.items()}
        return [known[self.dag.ids[row]] for row in rows]

    def kept(self) -> str:
        return "".join(sorted(self.names(self.dag.kept_rows())))

    def heads(self) -> str:
        known = {operation.id: name for name, operation in self.ops.items()}
        return "".join(sorted(known[id] for id in self.dag.heads()))

    def row(self, name: str) -> int:
        return self.dag.rows[self.ops[name].id]


def fork() -> Log:
    """a <- b <- d, a <- c"""
    log = Log()
    log.add("a")
    log.add("b", "a", standing=1)
    log.add("c", "a", standing=2)
    log.add("d", "b", standing=3)
    return log


def test_order_and_heads() -> None:
    log = fork()
    rows = log.dag.kept_rows()
    assert [(log.dag.depth[row], log.dag.ids[row]) for row in rows] == sorted(
        (operation.depth, operation.id) for operation in log.ops.values()
    )
    assert log.names(rows)[0] == "a"
    assert log.heads() == "cd"
    assert log.dag.heads()[0] == log.ops["d"].id  # the deepest first
    assert len(log.dag) == 4
    assert log.ops["b"].id in log.dag
    assert bytes(32) not in log.dag
    assert list(log.dag.deps(log.row("d"))) == [log.row("b")]


def test_a_long_log_is_listed_as_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dag_module, "_FRESH", 3)
    log = fork()
    for number in range(20):
        log.add(f"e{number}", "c" if number % 2 else "d")
        assert list(log.dag.items) == sorted((operation.depth, operation.id) for operation in log.ops.values())
    for number in range(20):
        log.add(f"f{number}", f"e{number}")
    assert list(log.dag.items) == sorted((operation.depth, operation.id) for operation in log.ops.values())


def test_missing_deps() -> None:
    log = fork()
    log.ops["x"] = log.make("x", "a")
    log.ops["y"] = log.make("y", "b", "x")
    assert log.dag.missing(log.ops["y"]) == (log.ops["x"].id,)
    assert log.dag.missing(log.ops["d"]) == ()


@pytest.mark.parametrize("depth", [1, 3, 1 << 40])
def test_the_depth_is_one_more_than_the_deepest_deps(depth: int) -> None:
    log = fork()
    placed = log.dag.place(log.make("x", "b", "c", depth=depth))
    assert isinstance(placed, Refusal)
    assert placed.rule == "depth"


def test_the_epoch_is_the_greatest_of_the_deps() -> None:
    log = fork()
    log.add("e", "b", epoch=2)
    assert log.dag.place(log.make("x", "c", "e")) == (
        [log.row(name) for name in sorted("ce", key=lambda name: log.ops[name].id)],
        2,
    )
    assert log.dag.place(log.make("y", "c")) == ([log.row("c")], 0)


def test_nothing_enters_twice() -> None:
    log = fork()
    with pytest.raises(Misuse, match="already"):
        log.add("a")


def test_an_ended_standing_lets_go_of_what_nobody_else_refers_to() -> None:
    log = fork()
    log.dag.end([2])
    assert log.kept() == "abd"
    assert log.dag.limbo == {log.row("c")}
    assert log.dag.changed == {log.row("c")}
    assert log.heads() == "d"
    log.dag.end([1])  # d refers to b
    assert log.kept() == "abd"
    log.dag.end([3])
    assert log.kept() == "a"
    assert log.heads() == "a"
    assert len(log.dag) == 1
    assert list(log.dag.items) == [(0, log.ops["a"].id)]


def test_who_is_spared_stays() -> None:
    log = fork()
    log.dag.end([1, 2, 3], [log.row("c")])
    assert log.kept() == "ac"


def test_what_is_no_root_waits_until_one_refers_to_it() -> None:
    log = fork()
    log.add("x", "c", root=False)
    log.add("y", "x", "b", root=False)
    assert log.kept() == "abcd"
    assert log.heads() == "cd"
    log.add("z", "y")
    assert log.kept() == "abcdxyz"
    assert log.heads() == "dz"
    assert log.dag.limbo == set()
    assert log.dag.is_kept(log.row("x"))


def test_a_row_and_its_own_dep_come_back_together() -> None:
    """z names x and w, and w names x as well: z asks for x before w does, and what x names is counted once."""
    log = fork()
    log.add("v", "a", root=False)
    log.add("x", "v", root=False)
    while True:
        log.ops["w"] = log.make("w", "x")
        if log.ops["w"].id > log.ops["x"].id:
            break
        log.clock += 1
    log.add("w", "x", root=False)
    log.add("z", "x", "w", standing=9)
    assert log.kept() == "abcdvwxz"
    log.dag.end([9])
    assert log.kept() == "abcd"
    assert log.heads() == "cd"
    assert len(log.dag.items) == 4


def test_roots_come_and_go() -> None:
    log = fork()
    log.dag.set_root(log.row("b"), False)
    assert log.kept() == "abcd"
    log.dag.set_root(log.row("d"), False)
    assert log.kept() == "ac"
    log.dag.set_root(log.row("b"), True)
    assert log.kept() == "abc"
    log.dag.set_root(log.row("b"), True)
    assert log.kept() == "abc"
    assert log.heads() == "bc"


def test_items_follow_whether_asked_between_or_not() -> None:
    asked, silent = fork(), fork()
    for log in (asked, silent):
        for name, root in (("x", False), ("y", True)):
            log.add(name, "c", root=root, standing=7)
            if log is asked:
                len(log.dag.items)
        log.dag.end([7])
        log.add("z", "x")
        assert sorted(id for _, id in log.dag.items) == sorted(log.dag.ids[row] for row in log.dag.kept_rows())
    assert list(asked.dag.items) == list(silent.dag.items)


def test_the_newest_row_can_be_taken_back() -> None:
    log = fork()
    log.add("x", "c", root=False)
    log.dag.changed.clear()
    before = (log.kept(), log.heads(), list(log.dag.items))
    taken_back = log.add("z", "x", "d")
    log.dag.undo(taken_back)
    assert (log.kept(), log.heads(), list(log.dag.items)) == before
    assert log.ops["z"].id not in log.dag
    assert log.dag.limbo == {log.row("x")}
    assert len(log.dag.ids) == taken_back
    # Its row is another's, whose deps are its own.
    assert log.add("y", "b") == taken_back
    assert list(log.dag.deps(taken_back)) == [log.row("b")]
    row = log.add("z", "x", "d")
    assert log.kept() == "abcdxyz"
    assert log.dag.ids[row] == log.ops["z"].id
    assert list(log.dag.deps(row)) == [log.row(name) for name in sorted("xd", key=lambda name: log.ops[name].id)]


def test_only_the_newest_row_can_be_taken_back() -> None:
    log = fork()
    with pytest.raises(Misuse, match="newest"):
        log.dag.undo(log.row("c"))


def test_limbo_is_forgotten_together() -> None:
    log = fork()
    log.add("x", "c", root=False)
    log.add("y", "x", root=False)
    assert sorted(log.dag.forget()) == sorted([log.ops["x"].id, log.ops["y"].id])
    assert log.dag.missing(log.ops["y"]) == (log.ops["x"].id,)
    assert log.kept() == "abcd"
    assert log.dag.forget() == []
    log.add("x", "c")
    assert log.kept() == "abcdx"


# --- choosing deps ----------------------------------------------------------------------------


def test_deps_are_what_the_body_needs_and_then_heads() -> None:
    log = fork()
    ids = {name: operation.id for name, operation in log.ops.items()}
    assert log.dag.choose_deps([ids["b"]], ids["a"]) == tuple(sorted([ids["b"], ids["c"], ids["d"]]))
    assert log.dag.choose_deps([ids["c"]], ids["a"]) == tuple(sorted([ids["c"], ids["d"]]))


def test_too_many_heads_leave_room_for_the_anchor() -> None:
    log = fork()
    for n in range(MAX_DEPS + 8):
        log.add(f"deep {n}", "d")
    ids = {name: operation.id for name, operation in log.ops.items()}
    chosen = log.dag.choose_deps([ids["a"]], ids["c"])
    assert len(chosen) == MAX_DEPS
    assert {ids["a"], ids["c"]} < set(chosen)
    assert len([id for id in chosen if id in log.dag.heads()]) == MAX_DEPS - 1
    assert chosen == tuple(sorted(chosen))


# --- the past ---------------------------------------------------------------------------------


def test_what_no_epoch_took_in() -> None:
    log = fork()
    ids = {name: operation.id for name, operation in log.ops.items()}
    assert log.names(log.dag.gather([ids["d"]])) == ["a", "b", "d"]
    for name in "ab":
        assert log.dag.absorbed[log.row(name)] == NEVER
        log.dag.absorbed[log.row(name)] = 1
    assert log.names(log.dag.gather([ids["d"]])) == ["d"]
    assert log.names(log.dag.gather([ids["d"], ids["c"]])) == sorted("cd", key=lambda n: (log.ops[n].depth, ids[n]))
    log.add("e", "c", "d")
    log.add("f", "c", "e")
    assert sorted(log.names(log.dag.gather([log.ops["f"].id]))) == ["c", "d", "e", "f"]


def test_whether_the_past_holds_something() -> None:
    log = fork()
    log.add("e", "c", "d")
    log.add("f", "e", "c")

    def holds(rows: str, wanted: str) -> bool:
        return log.dag.past_holds([log.row(name) for name in rows], [log.row(name) for name in wanted])

    assert holds("f", "abcde")
    assert holds("f", "f")
    assert holds("d", "ab")
    assert not holds("d", "c")
    assert not holds("d", "e")
    assert not holds("", "a")
    assert holds("cd", "bc")
    assert holds("", "")
