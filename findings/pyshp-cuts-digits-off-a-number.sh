#!/usr/bin/env bash
# A number in the table of a shapefile is a text of a fixed width. pyshp 3.1.6 cuts a number that does not fit into its field to
# this width, and thereby writes another number: 12345678 becomes 1234567 in a field of 7 digits, and -1500000 becomes -150000. A
# text that is cut gives a warning, but a number does not. The heights of points and lines are in the file, but __geo_interface__
# leaves them out, so that GeoJSON has none (RFC 7946, 3.1.1). A good engineer expects an error for a number without enough digits,
# because a shorter number is a wrong one, and the heights. Numbers that fit come back unchanged, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyshp==3.1.6
"$folder/venv/bin/python" - "$folder/cities" <<'PY' > "$folder/seen"
import sys
import warnings

import shapefile


def write_and_read(value, *field, **size):
    with shapefile.Writer(sys.argv[1], shapeType=shapefile.POINTZ) as writer:
        writer.field("value", *field, **size)
        writer.pointz(-2.36, 51.38, 21)
        writer.record(value)
    return shapefile.Reader(sys.argv[1])


for value, size, decimal in (
    (94782, 7, 0), (12345678, 7, 0), (-1500000, 7, 0), (12345.67, 8, 2), (12345.67, 6, 2), (99999.96, 5, 1), ("Bath Spa", 4, None)
):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if decimal is None:
            read = write_and_read(value, "C", size=size)
        else:
            read = write_and_read(value, "N", size=size, decimal=decimal)
    given = "a warning" if caught else "no warning"
    print(f"{value} in {size} characters: {read.record(0)[0]}, {given}")
print("heights in the file:", read.shape(0).z, "and in __geo_interface__:", read.shape(0).__geo_interface__["coordinates"])
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
94782 in 7 characters: 94782, no warning
12345678 in 7 characters: 1234567, no warning
-1500000 in 7 characters: -150000, no warning
12345.67 in 8 characters: 12345.67, no warning
12345.67 in 6 characters: 12345.0, no warning
99999.96 in 5 characters: 10000.0, no warning
Bath Spa in 4 characters: Bath, a warning
heights in the file: [21.0] and in __geo_interface__: (-2.36, 51.38)
SEEN
echo "as described"
