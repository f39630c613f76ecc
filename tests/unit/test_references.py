"""The references that are written from the code are up to date and leave nothing out."""

import re

from scripts import api


def test_the_reference_of_the_api_is_up_to_date() -> None:
    assert api.API.read_text() == api.api_reference(), "run: make docs"


def test_the_reference_of_json_is_up_to_date() -> None:
    assert api.JSON.read_text() == api.json_reference(), "run: make docs"


def test_every_answer_is_described() -> None:
    for name, section in re.findall(r"(?ms)^### (\w+)\n\n(.*?)(?=^### |\Z)", api.JSON.read_text()):
        assert section.split("\n")[0].endswith("."), name
        assert "Common to all" not in section, name
