"""The code of /docs that verifies our signature, run in each language whose tools are here."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scriptrun_box.ui.docs.pages import SNIPPETS, snippets
from scriptrun_box.webhooks import signing
from tests.programs import need

pytestmark = pytest.mark.anyio

BODY = '{"id":"evt_1","data":{"name":"Peña"}}'.encode()
SECRET = "whsec_c2VjcmV0IG9mIGEgdGVzdA=="
NOW = 1_776_624_130


def signed(secret: str = SECRET, **more: Any) -> str:
    made = signing.headers(
        event="package.created",
        event_id="evt_1",
        body=BODY,
        timestamp=NOW,
        attempt=1,
        secret=secret,
        **more,
    )
    return made["X-ScriptRun-Signature"]


CASES = [
    (signed(), NOW, True),
    (signed(), NOW + 300, True),
    (signed(), NOW + 301, False),
    (signed(), NOW - 301, False),
    (signed("whsec_b3RoZXI="), NOW, False),
    (signed(next_secret="whsec_bmV4dA=="), NOW, True),
    (signed("whsec_b2xk", next_secret=SECRET), NOW, True),
    ("", NOW, False),
    ("t=,v1=", NOW, False),
    (f"t={NOW},v1=00", NOW, False),
    (f"t={NOW}", NOW, False),
    (signed().upper(), NOW, False),
]
RIGHT = [right for _, _, right in CASES]
SAID = json.dumps(BODY.decode())  # a string with escapes that all of these languages read alike


def calls(form: str) -> str:
    """One call for each case, in a language's own words."""
    return ", ".join(
        form.replace("HEADER", json.dumps(header)).replace("NOW", str(now))
        for header, now, _ in CASES
    )


async def run(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(folder), "GO111MODULE": "on",
             "GOFLAGS": "-mod=mod", "GOPROXY": "off"},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, (out + err).decode()
    return out.decode()


async def _javascript(folder: Path) -> str:
    (folder / "run.mjs").write_text(
        'import { isFromScriptRun } from "./verify.mjs";\n'
        f"const body = {SAID}, secret = {json.dumps(SECRET)};\n"
        f"console.log([{calls('isFromScriptRun(body, HEADER, secret, NOW)')}].join());\n"
    )
    return await run(folder, need("node"), "run.mjs")


async def _typescript(folder: Path) -> str:
    """Stripped of its types by the compiler, which also checks them, then run as it stands."""
    compiler = need("tsc")
    types = Path(compiler).resolve().parents[2]
    (folder / "package.json").write_text('{"type": "module"}')
    await run(
        folder, compiler, "--strict", "--module", "nodenext", "--target", "es2022", "--typeRoots",
        str(types / "@types"), "--types", "node", "verify.ts",
    )  # fmt: skip
    text = (folder / "verify.js").read_text()
    (folder / "verify.mjs").write_text(text)
    return await _javascript(folder)


async def _python(folder: Path) -> str:
    names: dict[str, Any] = {}
    exec((folder / "verify.py.txt").read_text(), names)
    verdicts = (names["is_from_scriptrun"](BODY, header, SECRET, now) for header, now, _ in CASES)
    return ",".join(str(verdict).lower() for verdict in verdicts)


async def _java(folder: Path) -> str:
    (folder / "Run.java").write_text(
        "import java.nio.charset.StandardCharsets;\nimport java.util.List;\n"
        "public class Run { public static void main(String[] given) throws Exception {\n"
        f"byte[] body = {SAID}.getBytes(StandardCharsets.UTF_8);\n"
        f"String secret = {json.dumps(SECRET)};\n"
        "System.out.println(List.of("
        f"{calls('Verify.isFromScriptRun(body, HEADER, secret, NOW)')}));\n}} }}\n"
    )
    await run(folder, need("javac"), "-encoding", "UTF-8", "Run.java", "Verify.java")
    return await run(folder, need("java"), "-Xshare:auto", "Run")


async def _go(folder: Path) -> str:
    (folder / "go.mod").write_text("module scriptrun\n\ngo 1.18\n")
    (folder / "verify_test.go").write_text(
        'package scriptrun\n\nimport (\n\t"fmt"\n\t"testing"\n)\n\nfunc TestIt(t *testing.T) {\n'
        f"\tbody, secret := []byte({SAID}), {json.dumps(SECRET)}\n"
        f"\tfmt.Println([]bool{{{calls('IsFromScriptRun(body, HEADER, secret, NOW)')}}})\n}}\n"
    )
    out = await run(folder, need("go"), "test", "-v", "-vet=off", ".")
    (line,) = [line for line in out.splitlines() if line.startswith("[")]
    return line.replace(" ", ",")


async def _php(folder: Path) -> str:
    escaped = json.dumps(BODY.decode(), ensure_ascii=False).replace("$", "\\$")
    (folder / "run.php").write_text(
        f"<?php\nrequire 'verify.php';\n$body = {escaped};\n$secret = {json.dumps(SECRET)};\n"
        f"echo json_encode([{calls('is_from_scriptrun($body, HEADER, $secret, NOW)')}]);\n"
    )
    return await run(folder, need("php"), "-n", "run.php")


async def _c_sharp(folder: Path) -> str:
    (folder / "Run.cs").write_text(
        "public static class Run { public static void Main() {\n"
        f"byte[] body = System.Text.Encoding.UTF8.GetBytes({SAID});\n"
        f"string secret = {json.dumps(SECRET)};\n"
        'System.Console.WriteLine(string.Join(",", new bool[] {'
        f"{calls('ScriptRun.IsFromScriptRun(body, HEADER, secret, NOW)')}}}));\n}} }}\n"
    )
    await run(folder, need("mcs"), "-out:run.exe", "Run.cs", "Verify.cs")
    return await run(folder, need("mono"), "run.exe")


RUNS: dict[str, Callable[[Path], Any]] = {
    "TypeScript": _typescript,
    "JavaScript": _javascript,
    "Python": _python,
    "C#": _c_sharp,
    "Java": _java,
    "Go": _go,
    "PHP": _php,
}


@pytest.mark.parametrize("language", SNIPPETS)
async def test_a_snippet_accepts_what_we_sign_and_nothing_else(
    tmp_path: Path, language: str
) -> None:
    (tmp_path / SNIPPETS[language]).write_text(snippets()[language])
    said = (await RUNS[language](tmp_path)).strip().strip("[]").replace(" ", "").lower()
    assert [word == "true" for word in said.split(",")] == RIGHT
