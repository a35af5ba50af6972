"""Write the page of all rules: ``python -m tests.docs.requirements``."""

from tests.docs.requirements.page import main

main()
