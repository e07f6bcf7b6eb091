"""The guard of conftest.py, shown at work in a pytest run of its own."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py").read_text()
ELSEWHERE = "192.0.2.1"  # reserved for documentation: nobody is there


def test_loopback_and_unix_sockets_are_free(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import asyncio, socket

        async def talk():
            server = await asyncio.start_server(lambda reader, writer: writer.close(), "localhost", 0)
            reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
            assert await reader.read() == b""
            writer.close()
            server.close()

        def test_tcp():
            asyncio.run(talk())

        def test_unix(tmp_path):
            with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
                server.bind(str(tmp_path / "s"))
                server.listen()
                client.connect(str(tmp_path / "s"))
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    "step",
    [
        f"socket.create_connection(('{ELSEWHERE}', 80), timeout=0.1)",
        "socket.getaddrinfo('example.com', 80)",
        "socket.socket().bind(('0.0.0.0', 0))",
        f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('{ELSEWHERE}', 9))",
    ],
)
def test_whatever_leaves_the_machine_fails_the_test_even_if_swallowed(pytester: pytest.Pytester, step: str) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        f"""
        import socket

        def test_open():
            {step}

        def test_swallowed():
            try:
                {step}
            except OSError:
                pass

        def test_nothing():
            pass
        """
    )
    outcome = pytester.runpytest_subprocess("-p", "no:randomly")
    outcome.assert_outcomes(failed=1, passed=2, errors=2)
    outcome.stdout.fnmatch_lines(["*a test wanted to *: tests may use loopback*"])
