"""Why a message is where it is, in words for the people who ask."""

from domain.routing import Rule

SENTENCES: dict[Rule, str] = {
    Rule.CONFIRMATION: "It answers a confirmation, so it is where that was sent from.",
    Rule.CAMPAIGN_LAST: "It answers a campaign, so it is where the last appointment was.",
    Rule.CAMPAIGN: "It answers a campaign, and no appointment is known, so it is where that was"
    " sent from.",
    Rule.STAFF_ELSEWHERE: "It answers somebody of the team who has no location in common with the"
    " customer, so it is where they began from.",
    Rule.STAFF_ONE: "It answers somebody of the team, and the customer has only this location.",
    Rule.STAFF_LAST: "It answers somebody of the team who shares a location with the customer, so"
    " it is where they began from.",
    Rule.STAFF_ALL: "It answers somebody of the team, and no appointment says which of the"
    " customer's locations it is about, so it is at all of them.",
    Rule.TRANSFER: "The conversation was transferred to this location.",
    Rule.LAST: "It answers nothing, so it is where the customer's last appointment was.",
    Rule.NEWEST: "It answers nothing, and no appointment is known, so it is where the customer"
    " wrote last.",
    Rule.ALL: "It answers nothing that says more, so it is at all of the customer's locations.",
    Rule.UNASSIGNED: "No location is known for this customer: owners and members see it.",
}
NOT_A_CUSTOMERS = (
    "What the team or the business itself says is not routed: it is where the conversation is."
)
NOT_ROUTED = "It was said where nothing is routed: directly, or before there were locations."
IMPORTED = "It was said elsewhere before and was imported, so it is where the import placed it."
IMPORTED_NOWHERE = (
    "It was said elsewhere before and was imported, and the import placed it nowhere: owners and"
    " members see it."
)
