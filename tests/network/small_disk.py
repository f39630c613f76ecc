"""A node whose disk becomes full, on a disk that does: run by `test_small_disk` in a mount namespace of its own.

Prints one JSON object: what was acknowledged, how the node ended, and what is there once there is room again.
"""

import json
import subprocess
import sys
from pathlib import Path

from node.archive import check
from tests.homes import Home
from tests.network.killing import said_until_it_ends, started, voice_of


def main(place: Path) -> None:
    """Mount a disk of 4 MB on `place`, keep a home there, and fill it."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "none", str(place)], check=True)
    home = Home(place / "home")
    home.person("ana")
    ballast = place / "ballast"
    with started(home) as node:
        home.sign("council", "found", "--name", "Mill", "--min", "1", "--reason", "few")
        voice = voice_of(home, "ana")
        ballast.write_bytes(bytes(2_400_000))
        acknowledged = said_until_it_ends(voice)
        _, words = node.communicate()
        code = node.returncode
        doctor = home.moot("doctor").out
    ballast.unlink()
    with started(home):
        log = place / "log"
        exported = home.moot("export", str(log))
    assert exported.code == 0, exported.err
    with log.open("rb") as file:
        checked = check(file)
    print(  # noqa: T201  # the test reads it
        json.dumps(
            {
                "acknowledged": len(acknowledged),
                "code": code,
                "words": words,
                "doctor": doctor,
                "operations": checked.operations,
                "faults": checked.faults,
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
