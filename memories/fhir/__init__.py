"""FHIR R4: what is remembered as a bundle, and bundles as what may be remembered. Plain mappings, checked by `codes`.

`structure` alone loads `fhir.resources`, which takes more memory than a web process has: commands and tests do.
"""
