"""What /docs and OpenAPI tell of paper."""

from scriptrun_box.kernel.http import Doc

LABEL = Doc(
    group="Packages",
    summary="Get a package's label",
    text=(
        "4 by 6 inches, as PDF or as ZPL for a label printer: name, address, day, which of a"
        " door's bags it is, and what is to be done at the door. Nothing a driver may not see"
        " stands on it: no Rx number, no medication. Its QR code says SRB:P: and the package's id"
        " in capitals. A PDF needs the extra pdf on the box; ZPL needs nothing."
    ),
    query={"format": "pdf (default) or zpl", "dpi": "of the ZPL: 203 (default) or 300"},
    answer="^XA^CI28^LH0,0^PW812^LL1218 … ^PQ1^XZ",
    media_types=("application/pdf", "text/plain"),
    refusals=(400, 404, 409, 503),
    curl=('curl "{base}/api/packages/$PACKAGE_ID/label?format=zpl" \\\n  -H "X-API-Key: $KEY"'),
)
