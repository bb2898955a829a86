"""stub."""


def page() -> str:
    return "# Topics\n"


def asyncapi_yaml() -> str:
    return "asyncapi: 3.1.0\n"
