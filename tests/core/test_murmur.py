"""Keys go to the partitions that every Kafka client sends them to."""

from aiokafka.partitioner import murmur2 as theirs
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.murmur import murmur2, partition_of


@given(st.binary(max_size=70))
def test_a_key_is_hashed_as_aiokafka_hashes_it(key: bytes) -> None:
    assert murmur2(key) == theirs(key)


def test_partitions_are_those_of_the_java_client() -> None:
    """Hashes of org.apache.kafka.common.utils.Utils.murmur2, of its own tests, as signed numbers."""
    known = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }
    for key, signed in known.items():
        assert murmur2(key) == signed & 0xFFFFFFFF
        assert partition_of(key, 7) == (signed & 0x7FFFFFFF) % 7
