"""Checks the database of GEOIP_PATH at the start; at a sign-in it would be too late."""

import maxminddb

EXPECTED = "the path of a readable GeoIP2 or GeoLite2 City database (.mmdb)"


def city_database(path: str) -> str:
    """Return the path, or raise ValueError. Another type of database, such as Country, has no cities to look up."""
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
