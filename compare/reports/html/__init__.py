r"""Reports as one HTML page each: no script, nothing from the network, figures inside."""

from compare.reports.html.pages import check_page, run_page

__all__ = ["check_page", "run_page"]
