from __future__ import annotations

import sys

import pytest
from model_samples import REWARD

from drcli.import_checks.reward_source import check_source

HEAD = "def reward_function(params):\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        # flake8
        (
            "import math\n\n\n" + HEAD + "    return 1.0\n",
            "line 1: F401 'math' imported but unused (remove it)",
        ),
        (HEAD + "    x = 1\n    return 1.0\n", "line 2: F841 local variable 'x'"),
        (HEAD + "    return speed\n", "line 2: F821 undefined name 'speed' (define that name)"),
        ("a = 1\n" + HEAD + "    return 1.0\n", "line 2: E302 expected 2 blank lines, found 0 (a formatter"),
        (HEAD + "    return (1.0+ 2)\n", "line 2: E225 missing whitespace"),
        (
            HEAD + "    try:\n        return 1.0\n    except:\n        return 0.0\n",
            "line 4: E722 do not use bare",
        ),
        (HEAD + "  return 1.0\n", "line 2: E111"),
        # imports, calls, words
        ("import time\n\n\n" + HEAD + "    return time.time()\n", "line 1: import of time is not allowed"),
        (
            "from os.path import join\n\n\n" + HEAD + "    return join(1)\n",
            "import of os.path is not allowed",
        ),
        ("from . import a\n\n\n" + HEAD + "    return a\n", "import of . is not allowed"),
        (HEAD + "    return eval('1.0')\n", "line 2: eval() is forbidden"),
        (HEAD + "    return abs(abs(eval('1.0')))\n", "line 2: eval() is forbidden"),
        ("# my best save\n" + HEAD + "    return 1.0\n", "line 1: the text 'save'"),
        (HEAD + "    return '{}'.format(params)\n", "the validator of DeepRacer on AWS fails on '{}'.format"),
        (HEAD + "    return params['waypoints'].sum()\n", "fails on params['waypoints'].sum()"),
        (HEAD + "    return (lambda: 1.0)()\n", "fails on (lambda: 1.0)()"),
        # not Python
        ("def reward_function(params):\nreturn 1.0", "is not valid Python"),
        ("def reward_function(params): return '\0'", "is not valid Python"),
        ("\ufeff" + HEAD + "    return 1.0\n", "without BOM"),
    ],
)
def test_one_finding(source: str, said: str) -> None:
    (finding,) = check_source(source.encode())
    assert said in str(finding) and finding.severity == "refused"


@pytest.mark.parametrize(
    "source",
    [
        REWARD.decode(),
        "import math\nimport numpy as np\nfrom scipy.spatial import distance\n\n\n"
        + HEAD
        + "    return float(np.mean([math.pi, distance.euclidean([0], [1])]))\n",
        HEAD + f"    return 1.0  # {'x' * 100}\n",  # E501
        HEAD + "    return 1.0 # E261\n",
        HEAD + "    return 2*3.0\n",  # E226
        HEAD + "    unused = 1  # noqa: F841\n    return 1.0\n",
        HEAD + "    return float(sum(x for x in params.get(key='a').keys()))\n",
        HEAD + "    return max([1.0], key=lambda x: eval('x'))[0]\n",  # it does not look into keywords
    ],
)
def test_what_is_taken(source: str) -> None:
    assert [*check_source(source.encode())] == []


def test_what_is_not_text() -> None:
    (finding,) = check_source(b"\xff")
    assert finding.message == "is not UTF-8"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="only Python 3.12 looks into f-strings")
def test_faults_inside_of_f_strings() -> None:
    assert [*check_source((HEAD + '    return float(f"{ 1}")\n').encode())]
