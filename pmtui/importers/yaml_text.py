"""YAML, where the extra that reads it is installed."""

from typing import Any

from pmtui.importers.builder import UnsupportedFileError


def parse_yaml(text: str) -> Any:
    """Raises ForeignFileError, also where a name is written twice, which YAML readers pass over in silence."""
    try:
        import yaml
    except ImportError:
        hint = "pip install 'pmtui[yaml]', or turn the file into JSON (for process-compose the names are the same)"
        raise UnsupportedFileError(f"is YAML, and pyyaml is not installed: {hint}") from None

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            names: set[object] = set()
            for name, _ in node.value:
                if name.value in names and name.tag != "tag:yaml.org,2002:merge":
                    line = name.start_mark.line + 1
                    raise UnsupportedFileError(f"line {line}: {name.value} is written twice")
                names.add(str(name.value))
            return dict(super().construct_mapping(node, deep))

    try:
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise UnsupportedFileError(f"is no YAML: {line}{error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnsupportedFileError(f"is no YAML: {str(error).splitlines()[0]}") from None
