"""Checks the GeoIP database of GEOIP_PATH at start, before the first login needs it."""

import maxminddb

EXPECTED = "the path of a readable GeoIP2 or GeoLite2 City database (.mmdb)"


def city_database(path: str) -> str:
    """Return the path, or raise ValueError. Other database types, such as Country, contain no cities."""
    if not path:
        return path
    try:
        with maxminddb.open_database(path) as reader:
            database_type = reader.metadata().database_type
            reader.get("192.0.2.1")
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise ValueError(path) from error
    if "City" not in database_type:
        raise ValueError(path)
    return path
