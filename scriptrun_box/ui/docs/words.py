"""What `/docs` tells in tables: an order's fields, events, codes, limits; kept true by tests."""

from dataclasses import dataclass

from scriptrun_box.packages.lifecycle import ACTS

OPTIONAL, REQUIRED = "optional", "required"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an order."""

    name: str
    type: str
    need: str
    meaning: str


FIELDS = (
    Field("patient_name", "string", REQUIRED, "Full name, as the driver should read it."),
    Field(
        "patient_address",
        "string",
        REQUIRED,
        "Postal address on one line, with house number, and ZIP code or state.",
    ),
    Field(
        "patient_phone",
        "string",
        OPTIONAL,
        "E.164, such as +13055551234; US punctuation is normalised with a warning.",
    ),
    Field("rx_number", "string", OPTIONAL, "Prescription number. The driver never sees it."),
    Field("medications", "string[]", OPTIONAL, "Drug names. The driver never sees them."),
    Field("copay_amount", "number", OPTIONAL, "Dollars to collect at the door; 0 is none due."),
    Field("priority", "enum", OPTIONAL, "routine (default), urgent or stat."),
    Field("delivery_date", "string", OPTIONAL, "YYYY-MM-DD; today at the location when absent."),
    Field("requires_signature", "boolean", OPTIONAL, "Not delivered without one. Default false."),
    Field("cold_chain", "boolean", OPTIONAL, "Travels in an insulated bag that must be packed."),
    Field(
        "controlled_substance",
        "boolean",
        OPTIONAL,
        "Released by a pharmacist, handed over, and signed for with an ID at the door.",
    ),
    Field("dea_schedule", "enum", OPTIONAL, "II, III, IV or V, where it is a controlled one."),
    Field("external_patient_id", "string", OPTIONAL, "Your own id of the patient."),
    Field("pharmacy_id", "uuid", OPTIONAL, "The location, for accounts with more than one."),
    Field("notes", "string", OPTIONAL, "Free words for the desk and the driver."),
    Field("barcode", "string", OPTIONAL, "What is printed on the package, where it already is."),
    Field("fill_number", "string", OPTIONAL, "Which fill of the prescription this is."),
    Field("fill_date", "string", OPTIONAL, "YYYY-MM-DD of the fill."),
    Field("deliver_after", "string", OPTIONAL, "HH:MM at the location, on the delivery date."),
    Field("deliver_by", "string", OPTIONAL, "HH:MM at the location, on the delivery date."),
)

WARNINGS = (
    ("unknown_field", "The field is none of ours and was not stored."),
    ("possible_duplicate", "Looks like a waiting package; stored, and the desk decides."),
    ("delivery_date_in_past", "The delivery date lies before today."),
    ("address_incomplete", "No house number, or neither a ZIP code nor a state."),
    ("dea_schedule_missing", "Controlled without a schedule: a pharmacist sets it at release."),
    ("controlled_substance_inferred", "A schedule came without the flag; the flag was set."),
    ("notes_withheld", "The notes name the Rx number or a drug, so the driver does not get them."),
    ("characters_removed", "Invisible characters were taken out."),
    ("phone_normalised", "The phone number was rewritten as E.164."),
)

ITEM_CODES = (
    ("missing", "The field is required and absent."),
    ("wrong_type", "Another JSON type than the field's."),
    ("too_short", "Empty, where something is needed."),
    ("too_long", "More characters or entries than the field takes."),
    ("too_small", "Below the smallest value."),
    ("too_large", "Above the largest value."),
    ("not_allowed", "Not one of the words the field takes."),
    ("bad_format", "Not a date, time, UUID, address or amount as it must be written."),
    ("bad_characters", "Control characters are in it."),
    ("unknown_location", "No such location, or not one of this key's."),
    ("unknown_driver", "No such driver, or not one of this key's."),
    ("unknown_patient", "No such patient, or not one of this key's."),
    ("conflict", "Two fields contradict each other, or it is already there."),
    ("required_for_sms", "Text messages are on, and there is no phone number."),
)


@dataclass(frozen=True, slots=True)
class Code:
    """One stable `code` of a refusal."""

    status: int
    code: str
    meaning: str


CODES = (
    Code(400, "validation_failed", "Nothing was accepted; `details` has every problem."),
    Code(400, "bad_request", "The request itself is not well-formed HTTP."),
    Code(400, "invalid_json", "The body is not JSON, or not UTF-8."),
    Code(400, "duplicate_key", "An object in the body names a key twice."),
    Code(400, "too_deep", "The body is nested deeper than 32 levels."),
    Code(400, "not_an_object", "The body is JSON, but no object."),
    Code(400, "missing_orders", "The body has no list `orders`."),
    Code(400, "empty_batch", "`orders` is empty."),
    Code(400, "too_many_orders", "More than 100 orders; none was stored."),
    Code(400, "idempotency_key_reused", "The Idempotency-Key came with another body before."),
    Code(400, "bad_idempotency_key", "An Idempotency-Key is 1 to 255 visible ASCII characters."),
    Code(401, "key_missing", "There is no X-API-Key header."),
    Code(401, "key_invalid", "The key is unknown or revoked."),
    Code(402, "plan_limit", "The month's orders are used up and overage is off."),
    Code(403, "feature_not_in_plan", "The plan does not include this."),
    Code(403, "scope_missing", "The key was made without the scope this needs."),
    Code(403, "source_refused", "The key may not be used from this network."),
    Code(
        403,
        "not_confirmed",
        "Password or PIN of who has to confirm is not right, or the role does not allow it.",
    ),
    Code(403, "sandbox_only", "Only sk_test_ keys may do this."),
    Code(404, "not_found", "No such address, or nothing of yours has this id."),
    Code(405, "method_not_allowed", "The address takes other methods; see `Allow`."),
    Code(408, "request_timeout", "The request took too long to arrive."),
    Code(409, "conflict", "Not possible in the state it is in, or somebody else was faster."),
    Code(409, "update_not_allowed", "The package has gone too far to be edited so."),
    *(
        Code(409, f"{act}_not_allowed", f"The package's status does not allow: {act}.")
        for act in ACTS
    ),
    Code(409, "possible_duplicate", "The desk has to decide first whether it is a duplicate."),
    Code(409, "patient_has_packages", "A package of the patient is not over yet."),
    Code(409, "patient_merged", "The patient was merged into another; `details` names them."),
    Code(409, "driver_not_cold_chain", "The driver may not carry cold packages."),
    Code(409, "driver_not_controlled", "The driver may not carry controlled substances."),
    Code(409, "driver_left", "The driver no longer drives here."),
    Code(409, "driver_has_packages", "The driver has packages; they go to somebody else first."),
    Code(409, "not_on_shift", "A driver who is not on shift cannot be online."),
    Code(409, "too_many_drivers", "There are as many drivers as one account may have."),
    Code(409, "driver_under_way", "The driver is out on a route; it is finished first."),
    Code(409, "not_on_route", "The package is not on this route."),
    Code(409, "other_location", "The package starts from another location than the route."),
    Code(
        409,
        "packages_cannot_leave",
        "Some packages may not leave yet, details says why; nothing was started.",
    ),
    Code(409, "route_over", "The route is finished or cancelled."),
    Code(409, "route_started", "The route has started already."),
    Code(409, "route_not_started", "Only a route that has started can be finished."),
    Code(409, "route_completed", "Every stop of the route is done; it takes no more packages."),
    Code(409, "route_empty", "There is nothing to deliver on the route."),
    Code(409, "route_full", "The route has as many packages as one may have."),
    Code(409, "stop_done", "The stop is done already."),
    Code(409, "stops_open", "Stops of the route are still open."),
    Code(409, "too_many_routes", "There are as many routes on that day as one account may have."),
    Code(
        409,
        "extra_missing",
        "A part that this needs is not installed; details names its extra.",
    ),
    Code(409, "plan_committed", "The plan is already in use."),
    Code(409, "plan_not_ready", "The plan is not computed yet, or is used, failed or cancelled."),
    Code(409, "too_many_plans", "Too many plans of this account are still being computed."),
    Code(400, "no_table", "The file has no column of times and no column of temperatures."),
    Code(400, "unit_missing", "The file does not say °C or °F, and neither does the request."),
    Code(400, "too_many_lines", "The file has more lines than are read at once."),
    Code(400, "no_readings", "No line of the file could be read; details has the first of them."),
    Code(409, "too_many_readings", "The package has as many readings as one may have."),
    Code(409, "too_many_bags", "There are as many bags as one account may have."),
    Code(409, "bag_retired", "The bag is no longer in use."),
    Code(409, "not_cold", "The package does not travel cold."),
    Code(409, "packed_already", "The package is packed already; unpack it first."),
    Code(409, "pack_not_allowed", "The package's status does not allow: pack, unpack."),
    Code(409, "quarantined", "The package is in quarantine until a pharmacist has decided."),
    Code(409, "hold_passed", "The package's bag keeps it cold no longer."),
    Code(409, "not_packed", "The cold package is not packed in its bag yet."),
    Code(409, "not_released", "A pharmacist has not released the package yet."),
    Code(409, "not_handed_over", "The package is not handed over to the driver yet."),
    Code(
        409, "released", "A pharmacist has released the package; what was released stays as it is."
    ),
    Code(
        409,
        "still_with_driver",
        "The package was handed over; its driver hands it back to a pharmacist first.",
    ),
    Code(
        409,
        "pharmacist_decides",
        "A pharmacist decides what becomes of a controlled package that is back.",
    ),
    Code(409, "not_controlled", "The package is no controlled one."),
    Code(
        409, "release_not_allowed", "The package is out already, or over: it is not released here."
    ),
    Code(409, "already_released", "A pharmacist has released the package already."),
    Code(409, "seal_mismatch", "The serial is not that of the seal it was released with."),
    Code(409, "not_assigned", "The package is not assigned to this driver."),
    Code(409, "already_handed_over", "The package is handed over already."),
    Code(409, "not_in_custody", "This driver does not have the package."),
    Code(
        409, "take_back_not_allowed", "The package is on its way: it is failed or recalled first."
    ),
    Code(409, "nothing_to_decide", "The package is not back, or is decided about already."),
    Code(
        409,
        "decision_not_allowed",
        "What was found, or the state's rule, does not allow this decision.",
    ),
    Code(409, "signature_missing", "The package needs a signature."),
    Code(409, "id_missing", "The package needs the recipient's name and ID."),
    Code(409, "recalled", "The package is recalled and is not delivered any more."),
    Code(409, "webhook_paused", "The webhook is paused; resume it first."),
    Code(409, "already_sending", "The delivery is being sent right now."),
    Code(409, "too_many_webhooks", "There are as many webhooks as one account may have."),
    Code(409, "label_not_allowed", "The package goes nowhere any more, so it has no label."),
    Code(409, "too_many_labels", "More labels at once than are made at a time."),
    Code(410, "pruned", "The events before this place are no longer kept."),
    Code(413, "body_too_large", "The body is larger than the address takes."),
    Code(415, "unsupported_media_type", "The Content-Type is not one the address takes."),
    Code(421, "unknown_host", "The box does not answer to this host name."),
    Code(431, "head_too_large", "The request's headers are larger than 32 KiB."),
    Code(429, "rate_limited", "Too many requests in 60 seconds."),
    Code(429, "orders_per_hour", "Too many orders within an hour; none of the batch was stored."),
    Code(500, "internal", "Our fault. Nothing was half stored; try again with backoff."),
    Code(503, "too_many_connections", "Too many connections at once; reuse them."),
    Code(503, "stopping", "The box is stopping; it is back in a moment."),
    Code(503, "not_set_up", "The box has no pharmacy yet."),
    Code(503, "busy", "The box cannot take this right now; try again."),
    Code(507, "disk_full", "The box's disk is full: nothing was stored, reading still works."),
)

PAGE_CODES = (  # what only people on the screens, phones and links can meet
    Code(400, "bad_form", "The form could not be read."),
    Code(401, "signed_out", "Nobody is signed in, or the session has ended."),
    Code(401, "sign_in_failed", "The e-mail or the password is not right."),
    Code(401, "phone_unknown", "The phone was not added, or not to this box."),
    Code(401, "phone_revoked", "The phone was shut out, or its driver left; it wipes itself."),
    Code(401, "phone_locked", "The phone's app was not opened with its PIN."),
    Code(403, "role_missing", "The person's role does not open this."),
    Code(403, "csrf", "The form is too old or came from another site."),
    Code(404, "link_used", "The one-time link was used or is too old."),
    Code(409, "not_restored", "No restored copy's events wait for a decision."),
    Code(409, "last_owner", "The last owner stays an owner."),
    Code(409, "already_entered", "The order of this page is saved; it was sent with other words."),
    Code(409, "undo_too_late", "Something else was done since, or it is too long ago."),
    Code(409, "not_quarantined", "Somebody else has decided about this quarantine."),
    Code(409, "disposition_not_allowed", "This cannot be decided where the package is."),
    Code(409, "not_a_duplicate", "The package is no possible duplicate."),
    Code(409, "incident_over", "That is noted already, or the incident is closed."),
    Code(
        409, "day_open", "Packages are not accounted for, details names them; the day stays open."
    ),
    Code(409, "day_closed", "This day, or a later one, is closed already."),
    Code(409, "too_many_printers", "There are as many printers as one account may have."),
    Code(400, "unknown_kind", "A phone told an act of a kind the box does not know."),
    Code(409, "not_loaded", "Packages of the route are not in the car yet; details names them."),
    Code(409, "act_reused", "Two acts of phones have the same id."),
    Code(409, "sandbox_driver", "Sandbox drivers have no phones."),
    Code(409, "too_many_phones", "The driver has as many phones as one may have."),
    Code(409, "job_over", "The print job is over already."),
    Code(409, "job_not_over", "Only a print job that failed or was stopped can be sent on."),
    Code(400, "picture_broken", "The picture is broken or not whole."),
    Code(400, "signature_empty", "Nothing was drawn that could be a signature."),
    Code(400, "signature_bad", "The signature is not drawn in points, or in too many."),
    Code(404, "on_its_way", "The picture is still on its way from the driver's phone."),
    Code(409, "leave_at_door", "The package may not be left at the door."),
    Code(409, "not_this_driver", "The package is not with this driver."),
    Code(409, "photo_is_here", "The photo has come meanwhile."),
    Code(409, "photo_missing", "What is left at a door needs a photo."),
    Code(409, "packet_empty", "There is no package to put into a packet."),
    Code(409, "packet_too_large", "More than 1,000 packages would be in one packet."),
    Code(409, "packets_waiting", "Ten packets are waiting already."),
    Code(409, "packet_not_ready", "The packet is not ready yet, or not kept any more."),
    Code(409, "packet_not_over", "The packet is still there, or on its way."),
    Code(409, "recipient_missing", "Nobody is named who took the package."),
    Code(413, "too_many_pixels", "The picture has more than 25 million pixels."),
    Code(415, "not_a_picture", "The file is no JPEG, PNG or WebP picture."),
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event: when it is sent, and what its `data` carries."""

    name: str
    when: str
    data: tuple[str, ...]


EVENTS = (
    Event(
        "package.created",
        "An order became a package, by whichever door it came in.",
        (
            "package_id",
            "external_patient_id",
            "rx_number",
            "barcode",
            "pharmacy_id",
            "source",
            "status",
            "priority",
            "delivery_date",
        ),
    ),
    Event(
        "delivery.completed",
        "A package was delivered, and its photo and signature are on the box.",
        (
            "package_id",
            "external_patient_id",
            "rx_number",
            "driver_id",
            "delivered_at",
            "proof",
            "copay_collected",
            "copay_method",
        ),
    ),
    Event(
        "delivery.failed",
        "A driver came back from a door: wrong address, refused, no answer and the like.",
        (
            "package_id",
            "external_patient_id",
            "rx_number",
            "driver_id",
            "failed_at",
            "reason",
            "attempt",
            "proof",
        ),
    ),
    Event(
        "route.completed",
        "A driver finished every stop of a route.",
        (
            "route_id",
            "driver_id",
            "started_at",
            "completed_at",
            "stops",
            "delivered",
            "failed",
            "package_ids",
        ),
    ),
    Event(
        "driver.status_changed",
        "A driver went online or offline, or a shift began or ended.",
        ("driver_id", "status", "shift", "previous", "changed_at"),
    ),
)

EXAMPLE_EVENT = {
    "id": "evt_9f2c…",
    "event": "delivery.completed",
    "created_at": "2026-04-19T18:42:10Z",
    "data": {
        "package_id": "a3e9f1…",
        "external_patient_id": "PMS-9081",
        "rx_number": "RX-8872341",
        "driver_id": "drv_b12c…",
        "delivered_at": "2026-04-19T18:41:57Z",
        "proof": {
            "photo_url": "https://…",
            "signature_url": "https://…",
            "lat": 25.8612,
            "lng": -80.2983,
        },
        "copay_collected": 12.50,
        "copay_method": "card",
    },
}
