"""What a pet-care business and its customers write: sentences drawn from a seeded generator."""

import random
from collections.abc import Sequence

_FIRST = (
    "Carla Ana Maria Lucía Sofía Zoë Chloé Emma Olivia Ava Mia Isabella Amelia Harper Evelyn Grace"
    " José Ángel Jürgen Björn Øyvind Łukasz Liam Noah Oliver James Lucas Henry Theo Jack Levi Owen"
    " Priya Anika Ravi Arjun Mei Hiro Yuki Fatima Omar Layla Amara Kofi Nadia Ivan Elena Dmitri"
    " Ruth Judith Miriam Peter Paul Martha Agnes Walter Rosa Bruno Greta Otto Clara Felix Nora"
)
_LAST = (
    "Vega Rivers Marsh Ortega Núñez García Müller Schäfer Kowalski Nguyen Patel Singh Kim Park"
    " Tanaka Sato Okafor Mensah Hassan Haddad Novak Horvat Rossi Bianchi Silva Santos Costa Moreau"
    " Dubois Lefèvre Jensen Larsen Andersson Lindqvist Virtanen Smith Jones Brown Taylor Wilson"
    " Clark Walker Young Hill Green Adams Baker Carter Mitchell Turner Parker Collins Stewart Reed"
)
_PETS = (
    "Rex Bella Luna Max Charlie Cooper Milo Daisy Rocky Lola Buddy Zoe Bear Duke Tucker Oreo Sadie"
    " Stella Bentley Penny Coco Nala Simba Chloe Gizmo Pepper Biscuit Waffles Mochi Churro Ñato"
    " Zorro Ziggy Pickles Olive Hazel Maple Willow Jasper Finn Loki Thor Apollo Athena Freya Odin"
)
_SERVICES = (
    "a wash and trim|the full groom|a nail clip|day care|the long walk|a puppy class|boarding"
    "|a bath|the blueberry facial|teeth cleaning|a flea treatment|the senior check-up|a drop-in"
    " visit|the morning walk|agility training|a de-shedding treatment"
)
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday tomorrow today"
_TIMES = "8:00 8:30 9:15 10:00 10:30 11:45 noon 1:30 2:00 3:15 4:00 4:30 five six"
_THINGS = (
    "his leash|her blanket|the vaccination card|the new harness|his medicine|the allergy food"
    "|her favourite toy|the crate|a towel|the spare key|the invoice|the gate code|the receipt"
)
FIRST, LAST, PETS, DAYS, TIMES = map(str.split, (_FIRST, _LAST, _PETS, _DAYS, _TIMES))
SERVICES, THINGS = (listed.split("|") for listed in (_SERVICES, _THINGS))
CUSTOMERS_SAY = (
    "Hi! {pet} is booked for {service} on {day}. Can we make it {time}?",
    "Could you please tell me when {pet} is ready?",
    "Running ten minutes late, sorry!",
    "Thank you so much, {pet} looks wonderful.",
    "Is there still room for {pet} on {day} at {time}?",
    "I forgot {thing}, can I bring it {day}?",
    "We need to cancel {day}. {pet} has been limping since the weekend.",
    "What would {service} cost for a dog of 30 kilos?",
    "Please keep {pet} away from the chicken treats, the vet found an allergy.",
    "Yes, that works.",
    "Perfect, see you {day} at {time}!",
    "OK 👍",
    "Did {pet} eat well? 🐶",
    "My husband will pick {pet} up at {time}.",
    "¿Puedo cambiar la cita de {pet} al {day}? ¡Gracias!",
    "Can you send me {thing} again? I cannot find it.",
    "{pet} seems tired after {service}, is that normal?",
    "We are travelling, so {pet} stays for boarding from {day} until {day2}.",
)
STAFF_SAY = (
    "Hello {first}, of course. {time} it is.",
    "{pet} is ready whenever you are.",
    "{pet} had a great time today and ate everything.",
    "We have an opening on {day} at {time}, shall I book {service}?",
    "Please remember {thing} for {day}.",
    "That would be {price} dollars, including {service}.",
    "No problem at all, see you soon.",
    "I moved the appointment of {pet} to {day} at {time}.",
    "The groomer found a small hot spot behind the left ear; we put some balm on it.",
    "We are fully booked on {day}, would {day2} suit you?",
    "Your deposit of {price} dollars has arrived. Thank you, {first}!",
    "{pet} was a little shy with the others, but made friends with {pet2}.",
    "The vaccination of {pet} expires next month, please see your vet.",
    "Confirmed: {service} for {pet}, {day} at {time}.",
    "The parking behind the shop is closed on {day}, please use the front door.",
)
TEAM_SAY = (
    "Who can take {service} on {day} at {time}?",
    "I can. {pet} knows me.",
    "The dryer in room two is broken again, the technician comes {day}.",
    "Please check the stock of shampoo before {day}.",
    "{first} {last} called about {pet}, please ring back before {time}.",
    "Can somebody swap {day} with me?",
    "Reminder: {thing} of {pet} is at the front desk.",
    "Staff meeting {day} at {time}.",
)
RARE = (
    "Order number {number} has shipped.",
    "The microchip of {pet} is {number}.",
    "Our insurance reference is PX-{number}.",
)


class Texts:
    """Sentences for one customer after the other; the same seed gives the same ones."""

    def __init__(self, seed: random.Random) -> None:
        self._random = seed
        self._choice = seed.choice

    def name(self) -> tuple[str, str]:
        return self._choice(FIRST), self._choice(LAST)

    def pet(self) -> str:
        return self._choice(PETS)

    def customer(self, pet: str, first: str) -> str:
        return self._said(CUSTOMERS_SAY, pet, first)

    def staff(self, pet: str, first: str) -> str:
        return self._said(STAFF_SAY, pet, first)

    def team(self, pet: str, first: str) -> str:
        return self._said(TEAM_SAY, pet, first)

    def _said(self, sentences: Sequence[str], pet: str, first: str) -> str:
        pick = self._random.random
        said = self._sentence(RARE if pick() < 0.02 else sentences, pet, first)
        if pick() < 0.25:
            said += " " + self._sentence(sentences, pet, first)
        return said

    def _sentence(self, sentences: Sequence[str], pet: str, first: str) -> str:
        pick = self._choice
        return pick(sentences).format(
            pet=pet,
            pet2=pick(PETS),
            first=first,
            last=pick(LAST),
            service=pick(SERVICES),
            day=pick(DAYS),
            day2=pick(DAYS),
            time=pick(TIMES),
            thing=pick(THINGS),
            price=self._random.randint(12, 240),
            number=self._random.randint(1_000_000, 9_999_999),
        )
