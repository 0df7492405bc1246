"""Names whose addresses a test decides: what a program asks the system for is answered from a file of ours."""

WRAPPER = "libnss_wrapper.so"


class Names:
    """A hosts file, read anew for each question, for programs that run in `environment` (`libnss-wrapper`)."""

    def __init__(self, folder):
        self._file = folder / "hosts"
        self.environment = {"LD_PRELOAD": WRAPPER, "NSS_WRAPPER_HOSTS": str(self._file)}
        self.tell("localhost", "127.0.0.1")

    def tell(self, name, *addresses):
        """From now on the name has these addresses, in this order."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text("".join(f"{address} {name}\n" for address in addresses))
        fresh.rename(self._file)
