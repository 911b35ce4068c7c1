"""Values that a router must hand on without a change."""

UNICODE = "Grüße, мир, 世界 🐘 e\u0301 \u200b \" \\ \n \x7f"
BINARY = bytes.fromhex("10e3ff9053075c526f5fc06d4fe37cdb")
EVERY_BYTE = bytes(range(256))

# The edges of float64, int32, int64 and uint64 (SER-07).
INTEGERS = [
    0,
    -1,
    2**31,
    -(2**31) - 1,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
]

FLOATS = [0.5, -1.25, 1e300, 5e-324, 0.1]

NESTED = {"list": [1, [2, [3, {"deep": None}]]], "yes": True, "no": False, "empty": [{}, [], ""]}
