"""One class per area, one method per endpoint; `pmtui.api.endpoints` names them."""
