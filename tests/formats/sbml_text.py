"""SBML written by hand for tests: the parts of a model in a frame."""

MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
FRAME = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="{namespace}" level="{level}" version="{version}"{packages}>
<model id="m">
{parts}
</model>
</sbml>
"""
NAMESPACES = {
    (2, 4): "http://www.sbml.org/sbml/level2/version4",
    (3, 1): "http://www.sbml.org/sbml/level3/version1/core",
    (3, 2): "http://www.sbml.org/sbml/level3/version2/core",
}
DISTRIB = ' xmlns:distrib="http://www.sbml.org/sbml/level3/version1/distrib/version1" distrib:required="true"'  # draws
CELL = '<listOfCompartments><compartment id="c" spatialDimensions="3" size="2" constant="true"/></listOfCompartments>'


def model(*parts, level=3, version=2, packages=""):
    """A document of these parts, in the order in which SBML wants them."""
    text = FRAME.format(
        namespace=NAMESPACES[level, version], level=level, version=version, packages=packages, parts="\n".join(parts)
    )
    return text.encode()


def ci(name):
    return f"<ci>{name}</ci>"


def cn(value):
    return f"<cn>{value}</cn>"


def op(name, *operands):
    return f"<apply><{name}/>{''.join(operands)}</apply>"


def csymbol(name, *arguments):
    """A draw of the distrib package, or the time if there are no arguments."""
    where = f"distrib/{name}" if arguments else name
    head = f'<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/{where}">{name}</csymbol>'
    return f"<apply>{head}{''.join(arguments)}</apply>" if arguments else head


def math(body):
    return f"<math {MATH}>{body}</math>"


def species(identifier, amount=None, **attributes):
    given = {
        "id": identifier, "compartment": "c", "hasOnlySubstanceUnits": "true", "boundaryCondition": "false",
        "constant": "false", **({} if amount is None else {"initialAmount": amount}), **attributes,
    }  # fmt: skip
    return f"<species {_attributes(given)}/>"


def parameter(identifier, value=None, constant="true"):
    given = {"id": identifier, "constant": constant, **({} if value is None else {"value": value})}
    return f"<parameter {_attributes(given)}/>"


def reaction(identifier, reactants, products, law, local="", **attributes):
    given = {"id": identifier, "reversible": "false", **attributes}
    sides = "".join(
        f"<listOf{side}>{''.join(_reference(*item) for item in items)}</listOf{side}>"
        for side, items in (("Reactants", reactants), ("Products", products))
        if items
    )
    law = f"<kineticLaw>{math(law)}{local}</kineticLaw>" if law else ""
    return f"<reaction {_attributes(given)}>{sides}{law}</reaction>"


def event(identifier, trigger, sets, delay="", priority="", frozen="true", **attributes):
    given = {"initialValue": "true", "persistent": "true", **attributes}
    assignments = "".join(
        f'<eventAssignment variable="{name}">{math(value)}</eventAssignment>' for name, value in sets.items()
    )
    middle = (f"<delay>{math(delay)}</delay>" if delay else "") + (
        f"<priority>{math(priority)}</priority>" if priority else ""
    )
    return (
        f'<event id="{identifier}" useValuesFromTriggerTime="{frozen}"><trigger {_attributes(given)}>{math(trigger)}'
        f"</trigger>{middle}<listOfEventAssignments>{assignments}</listOfEventAssignments></event>"
    )


def rule(kind, variable, body):
    return f'<{kind}Rule variable="{variable}">{math(body)}</{kind}Rule>'


def initial(symbol, body):
    return f'<initialAssignment symbol="{symbol}">{math(body)}</initialAssignment>'


def function(identifier, arguments, body):
    bound = "".join(f"<bvar><ci>{name}</ci></bvar>" for name in arguments)
    return f'<functionDefinition id="{identifier}">{math(f"<lambda>{bound}{body}</lambda>")}</functionDefinition>'


def listed(kind, *items):
    return f"<listOf{kind}>{''.join(items)}</listOf{kind}>"


def _attributes(given):
    return " ".join(f'{key}="{value}"' for key, value in given.items())


def _reference(name, stoichiometry=1):
    return f'<speciesReference species="{name}" stoichiometry="{stoichiometry}" constant="true"/>'
