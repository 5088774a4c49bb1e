"""Keep registry hosts and the paths of somebody's machine out of the repository.

``python tools/no_hosts.py`` reads every file that git tracks or would add. A package source belongs to the machine that
installs, not to the project: the lock files carry hashes, so that any source is as good as another.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Written with classes of one letter, so that this file does not match itself.
_ANYWHERE = (
    ("a package registry", re.compile(r"(?i)\b(?:py[p]i\.|python[h]osted\.|[n]pmjs\.|[a]rtifactory\b)")),
    ("a package source", re.compile(r"(?i)\b(?:index|find)[-_](?:url|links)\W{1,4}(?:https?:|file:|/)")),
    ("a path of one machine", re.compile(r"(?<![\w.$}~-])/(?:root|work|farm|home|Users)/[\w.]+")),
)
_IN_LOCKS = (("an address or a path", re.compile(r"://|^\s*--(?!hash=)|@ file:|(?<=\s)/\w")),)
_OWN_SETTINGS = re.compile(r"^(?:PIP|UV)_.*(?:INDEX|LINKS|HOST|CERT|CACHE)")
_COMMON = {"localhost", "127.0.0.1"}


def problems(root: Path, environment: Mapping[str, str]) -> list[str]:
    """Name every place that holds a registry host or a machine path.

    Parameters
    ----------
    root : Path
        The checkout.
    environment : Mapping[str, str]
        Variables of this machine: what its own package settings point at may stand in no file either.
    """
    private = _private_words(root, environment)
    return [problem for path in _tracked(root) for problem in _in_file(root, path, private)]


def _tracked(root: Path) -> list[str]:
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return sorted(name for name in set(listed) if name and (root / name).is_file())


def _private_words(root: Path, environment: Mapping[str, str]) -> list[str]:
    words = {str(root.resolve())}
    for name, value in environment.items():
        if _OWN_SETTINGS.match(name):
            for part in value.split():
                words.add(urlsplit(part).hostname or part)
    return sorted(word for word in words - _COMMON if len(word) > 3)


def _in_file(root: Path, name: str, private: list[str]) -> Iterator[str]:
    try:
        text = (root / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    rules = _ANYWHERE + (_IN_LOCKS if name.startswith("requirements/") else ())
    for number, line in enumerate(text.splitlines(), start=1):
        found = [what for what, pattern in rules if pattern.search(line)]
        found += ["a package setting or path of this machine"] * any(word in line for word in private)
        yield from (f"{name}:{number}: names {what}" for what in found)


def main() -> int:
    """Print the places and leave with 1 if there is one."""
    found = problems(Path(__file__).resolve().parent.parent, os.environ)
    print(*(found or ["no registry host and no machine path in tracked files"]), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
