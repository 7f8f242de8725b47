"""What people of the demo are called, and what they say: names, and a grammar of sentences."""

from dataclasses import dataclass

CUSTOMERS = (
    ("ava-thornton", "Ava Thornton", "Biscuit", "dog"),
    ("ben-okonkwo", "Ben Okonkwo", "Nala", "cat"),
    ("bridget-oneill", "Bridget O'Neill", "Murphy", "dog"),
    ("camila-duarte", "Camila Duarte", "Churro", "dog"),
    ("chen-wei", "Chen Wei", "Dumpling", "dog"),
    ("clara-jensen", "Clara Jensen", "Freja", "cat"),
    ("daniel-katz", "Daniel Katz", "Latke", "dog"),
    ("elif-celik", "Elif Çelik", "Pamuk", "cat"),
    ("ella-brooks", "Ella Brooks", "Juniper", "dog"),
    ("emeka-obi", "Emeka Obi", "Simba", "dog"),
    ("farah-rahimi", "Farah Rahimi", "Saffron", "cat"),
    ("felix-grant", "Felix Grant", "Waffles", "dog"),
    ("grace-lim", "Grace Lim", "Mochi", "dog"),
    ("hannah-weiss", "Hannah Weiss", "Strudel", "dog"),
    ("henry-walsh", "Henry Walsh", "Guinness", "dog"),
    ("ines-moreau", "Inès Moreau", "Praline", "cat"),
    ("isaac-reid", "Isaac Reid", "Pepper", "dog"),
    ("ivy-chandra", "Ivy Chandra", "Ziggy", "dog"),
    ("jack-novak", "Jack Novak", "Bandit", "dog"),
    ("jasmine-carter", "Jasmine Carter", "Coco", "dog"),
    ("joon-park", "Joon Park", "Tofu", "cat"),
    ("julia-romano", "Julia Romano", "Gnocchi", "dog"),
    ("kwame-mensah", "Kwame Mensah", "Duke", "dog"),
    ("laila-haddad", "Laila Haddad", "Luna", "cat"),
    ("liam-foster", "Liam Foster", "Scout", "dog"),
    ("lucia-ferrer", "Lucía Ferrer", "Canela", "dog"),
    ("mara-petrova", "Mara Petrova", "Misha", "cat"),
    ("mateo-silva", "Mateo Silva", "Toro", "dog"),
    ("nadia-rossi", "Nadia Rossi", "Olive", "dog"),
    ("nora-lindqvist", "Nora Lindqvist", "Pippi", "dog"),
    ("oscar-bell", "Oscar Bell", "Rufus", "dog"),
    ("owen-price", "Owen Price", "Daisy", "dog"),
    ("paula-schmidt", "Paula Schmidt", "Knödel", "dog"),
    ("quinn-harper", "Quinn Harper", "Maple", "cat"),
    ("rosa-delgado", "Rosa Delgado", "Frida", "dog"),
    ("ruth-adler", "Ruth Adler", "Oscar", "cat"),
    ("theo-bennett", "Theo Bennett", "Ginger", "cat"),
    ("tomas-horvat", "Tomáš Horvát", "Bruno", "dog"),
    ("yuki-tanaka", "Yuki Tanaka", "Kuma", "dog"),
)
"""Id, name, pet, and what it is."""

SERVICES = {
    "dog": (
        ("wash and trim", 65, 90),
        ("full groom", 95, 120),
        ("nail trim", 20, 30),
        ("puppy bath", 45, 60),
        ("de-shedding treatment", 80, 90),
        ("day care", 48, 480),
    ),
    "cat": (
        ("brush-out", 40, 60),
        ("bath and blow-dry", 60, 75),
        ("nail trim", 18, 30),
        ("boarding check-in", 38, 45),
    ),
}
"""Service, price in dollars, minutes."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What is talked about: ``turns`` are who speaks (customer or staff), and what they may say."""

    name: str
    titles: tuple[str, ...]
    turns: tuple[tuple[str, tuple[str, ...]], ...]


HELLO = ("Hi!", "Hello,", "Good morning!", "Hey there,", "Hi everyone,", "Hello team,")
SIGN_OFF = ("", "", " Thanks!", " Thank you so much!")

TOPICS = (
    Topic(
        "booking",
        ("{pet}'s next appointment", "{pet}: {service}", "Booking for {pet}"),
        (
            (
                "customer",
                (
                    "{hello} do you have room for a {service} for {pet} on {day}?",
                    "{hello} can I book {pet} in for a {service} this week? {day} would be best.",
                    "{hello} {pet} is due for a {service} again. Is {day} still free?",
                ),
            ),
            (
                "staff",
                (
                    "Hello {first}! {day} works. Would {time} suit you?",
                    "We would love to see {pet}. On {day} I have {time} left.",
                    "Sure! {time} on {day}, or a little later?",
                ),
            ),
            (
                "customer",
                (
                    "{time} is perfect.{bye}",
                    "Yes please, {time}.{bye}",
                    "Could it be half an hour later? Otherwise {time} is fine.",
                ),
            ),
            (
                "staff",
                (
                    "Done, {pet} is in the book for *{day}, {time}*.",
                    "All set. See you and {pet} on {day}!",
                    "Noted. Please come five minutes early, {pet} can sniff around first.",
                ),
            ),
            ("customer", ("Great, see you then.", "Wonderful, thank you!", "👍")),
        ),
    ),
    Topic(
        "late",
        ("Running late", "{pet} will be late", "Stuck in traffic"),
        (
            (
                "customer",
                (
                    "{hello} we are stuck in traffic, about 15 minutes late with {pet}. So sorry!",
                    "{hello} the train stopped. Can {pet} still come if we are 20 minutes late?",
                    "{hello} I can't pick up {pet} before {time}. Is that a problem?",
                ),
            ),
            (
                "staff",
                (
                    "No problem at all, drive safely.",
                    "That is fine, I will keep the table free for {pet}.",
                    "Don't worry, {pet} is next after you arrive.",
                ),
            ),
            ("customer", ("You are a lifesaver!", "Thank you, on my way.", "Phew.{bye}")),
        ),
    ),
    Topic(
        "photos",
        ("Photos of {pet}", "{pet} after the {service}", "How {pet} is doing"),
        (
            (
                "staff",
                (
                    "Hi {first}, {pet} is done and looks **gorgeous**. Photos are on the way.",
                    "{first}, somebody here is very proud of the new haircut. Guess who!",
                    "{pet} has made a friend today and is asleep under my desk.",
                ),
            ),
            (
                "customer",
                (
                    "Oh my, I can't wait! Can you send one with the bandana?",
                    "Please send pictures, the kids keep asking about {pet}.",
                    "Ha! That is so {pet}. Send me everything you have.",
                ),
            ),
            (
                "staff",
                (
                    "Three of them are in your album. The one on the chair is my favorite.",
                    "Of course. One for the fridge, one for grandma.",
                ),
            ),
            ("customer", ("I love them!", "We are framing this one. Thank you!", "😍")),
        ),
    ),
    Topic(
        "vaccination",
        ("{pet}'s vaccination", "Rabies certificate of {pet}", "Papers for {pet}"),
        (
            (
                "staff",
                (
                    "Hi {first}, the rabies certificate that we have of {pet} ran out last week. "
                    "Could you send us the new one before {day}?",
                    "Hello {first}, for {pet}'s stay we need proof of the bordetella shot.",
                ),
            ),
            (
                "customer",
                (
                    "Thanks for the reminder. Our vet will mail it today, is that enough?",
                    "Oh, I thought I had sent it! Is a photo of the page enough?",
                    "I have it at home. Can I simply bring it when we come?",
                ),
            ),
            (
                "staff",
                (
                    "That is enough, I have made a note for {pet}.",
                    "Yes, that will do. No rush before {day}.",
                    "Of course! I will put it into {pet}'s file then.",
                ),
            ),
            ("customer", ("Great, will do.{bye}", "Perfect.{bye}", "Phew.{bye}")),
        ),
    ),
    Topic(
        "wishes",
        ("{pet}'s haircut", "Wishes for {pet}", "How short this time?"),
        (
            (
                "customer",
                (
                    "{hello} could you leave the ears a bit longer this time? {pet} looked bald.",
                    "{hello} please use the oatmeal shampoo for {pet}, the skin is itchy again.",
                    "{hello} one wish for {day}: no perfume for {pet}, and a teddy bear face.",
                ),
            ),
            (
                "staff",
                (
                    "Noted on {pet}'s card, whoever is on the table that day will see it.",
                    "With pleasure. Shall I take half an inch off the legs, as last time?",
                    "Of course. Is there a picture of how you would like it?",
                ),
            ),
            (
                "customer",
                (
                    "Yes, exactly as last time.{bye}",
                    "I trust you, you know {pet} better than we do.",
                    "Half an inch is good. And watch the left paw, {pet} is ticklish there.",
                ),
            ),
            ("staff", ("Will do!", "Got it, left paw, slowly and with cheese.", "Perfect.")),
        ),
    ),
    Topic(
        "thanks",
        ("Thank you!", "{pet} says thanks", "What a lovely visit"),
        (
            (
                "customer",
                (
                    "{hello} {pet} came home so happy today. Thank you for being patient!",
                    "{hello} I just wanted to say how soft {pet} is. Best {service} ever.",
                    "{hello} our neighbors asked where {pet} goes. I sent them your way.",
                ),
            ),
            (
                "staff",
                (
                    "You made our day, {first}. Give {pet} a cuddle from all of us.",
                    "{pet} is welcome any time. Thank you for telling us!",
                ),
            ),
        ),
    ),
    Topic(
        "prices",
        ("Price of a {service}", "What does it cost?", "Question about prices"),
        (
            (
                "customer",
                (
                    "{hello} how much is a {service} for a {kind} of {pet}'s size?",
                    "{hello} your website says ${price} for the {service}. Is that still right?",
                    "{hello} what do you charge for a {service}? {pet} is a small {kind}.",
                ),
            ),
            (
                "staff",
                (
                    "Hello {first}, the {service} is ${price} for {pet}, everything included.",
                    "It is ${price} for {pet}, and 10 % less for a second {kind}.",
                    "${price}, {first}, with a bandana to take home.",
                ),
            ),
            (
                "customer",
                (
                    "Good to know. I will talk to my partner and come back to you.",
                    "That is fair. Please book us for {day}.",
                    "And with nails?",
                ),
            ),
            ("staff", ("Sounds good, we are here.", "With nails it is the same price.", "Done!")),
        ),
    ),
)

NOTES = (
    "{pet} is afraid of the big dryer, take the small one.",
    "{first} called, too. Can you answer today, {colleague}?",
    "Last time {pet} got a rash from the lavender shampoo.",
    "{colleague}, I told {first} that you will look at the paw.",
    "Old customer, please round down.",
    "{pet} needs two people for the nails. I am free at ten, {colleague}.",
)
"""What the team says to itself; whoever is named in it is mentioned."""

SAVED_REPLIES = (
    (
        "ready",
        "Ready for pick-up",
        "Hi {customer.first_name}, all done! We are open until six.",
        "",
    ),
    (
        "reminder",
        "Reminder",
        "Hello {customer.first_name}, we look forward to {appointment.title}: "
        "{appointment.start}, {location.name}.",
        "",
    ),
    (
        "vaccination",
        "Proof of vaccination",
        "Hi {customer.first_name}, please send us a photo of the current rabies certificate.",
        "",
    ),
    ("thanks", "Thank you", "Thank you, {customer.first_name}! {staff.name}, {business.name}", ""),
    ("parking-main", "Parking", "The garage on 3rd Street gives an hour free of charge.", "main"),
    ("parking-lakeside", "Parking", "There are four places behind the house.", "lakeside"),
)
"""Id, title, text, location."""
