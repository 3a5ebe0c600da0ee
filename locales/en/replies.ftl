### What Paragon writes to people on WhatsApp, in English.
###
### For translators: one such file for each language, with the same messages. What stands in braces
### is put in by Paragon and keeps its name; the comments say what it will be. They stand in this
### file only. A line break here is a line break on the phone, and {"\u00A0"} is a space that does
### not break. To check a file: CONTRIBUTING.md, "Add a language".

## An entry: what was read from a photo of a receipt

# The answer to a photo when total and currency are known.
entry-booked =
    Booked ✓
    { entry-fields }

# The answer to a photo when they are not: the sender is asked for another photo.
entry-incomplete =
    I kept your receipt, but could not read everything.
    { entry-fields }
    Please send a sharper photo of the whole receipt, so that I can book it.

# Part of both. Each value may be the word for "unknown".
# $category: the name of a category, as under "category-name" ("meals")
# $amount: an amount with its currency ("£22.40")
# $merchant: as printed on the receipt ("The Copper Kettle")
# $date: a day ("19 Nov 2026")
entry-fields =
    Category: { $category }
    Amount: { $amount }
    Merchant: { $merchant }
    Date: { $date }

# Stands for a category, amount, merchant or date that could not be read.
unknown = unknown

# What kind of expense it was. People may write these words to us, too. Translate the words on the
# right, and keep those in brackets.
# $category: one of the words in brackets
category-name =
    { $category ->
        [groceries] groceries
        [meals] meals
        [fuel] fuel
        [transport] transport
        [travel] travel
        [office] office
        [materials] materials
        [electronics] electronics
        [household] household
        [health] health
        [clothing] clothing
        [media] media
        [services] services
       *[other] other
    }

# Two buttons under the answer. At most 20 characters each.
button-right = That is right
button-wrong = Something is wrong

## An entry that looks like one that we have

# The receipt looks like one that is booked already. Two buttons follow.
# $receipt: what is known of merchant, amount and date ("The Copper Kettle, £22.40, 19 Nov 2026")
looks-booked = This looks like the receipt that I already booked: { $receipt }. Is it the same?

# The same of a receipt that we have, but could not book.
# $known: how many of merchant, amount and date are known, 0 to 3
# $receipt: the known ones
looks-kept =
    { $known ->
        [0] This looks like the receipt that I already have. Is it the same?
       *[other] This looks like the receipt that I already have: { $receipt }. Is it the same?
    }

# The two buttons. At most 20 characters each.
button-same = Yes, the same
button-new = No, a new one

# The sender pressed "No, a new one".
# $receipt: as above
booked-as-new = Booked as a new receipt ✓: { $receipt }

## Corrections: the sender replies to an answer

# The sender named the amount of an entry that lacked it: now it is booked.
# $amount: an amount with its currency ("£12.50")
amount-completed = Booked ✓ Amount: { $amount }

# The sender named another amount.
amount-corrected = Corrected ✓ Amount: { $amount }

# The sender named another category.
# $category: the name of a category
category-corrected = Corrected ✓ Category: { $category }

# The sender pressed "Something is wrong". The words in quotes are what they may write to us: an
# amount, or "category" and the name of a category.
how-to-correct = Reply to this message with the amount (“12.50”) or with “category fuel”.

# The sender replied to an answer, but not with a correction that we understand.
correction-help = I can change the amount (“12.50{"\u00A0"}EUR”) or the category (“category fuel”): reply to this message with one of them.

## Messages that make no entry

# A photo of something else, such as a cat.
not-a-receipt = Nice picture! I see no receipt in it, so I booked nothing.

# The photo could not be had, opened or read.
unreadable = I could not open this one. Please send the receipt again, as a photo or a PDF.

# The sender wrote a text.
help = Send me a photo of a receipt, and I will book it and tell you what I read.

# The sender wrote STOP, or another word for it: no more reminders. Said once.
opted-out = Done: no more reminders. Photos of receipts are still answered. START brings reminders back.

# The sender had written STOP, and now wrote START.
opted-in = Done: you get reminders again. STOP ends them.

# The sender sent a voice message, a video or a sticker.
send-a-photo = I can only read photos and PDFs. Please send the receipt as one of these.

# We gave up for now. The answer may follow when somebody has looked at it.
gave-up = Sorry, I could not book this yet. Your photo is safe: our team will look at it.

# A photo has taken over a minute. The answer follows.
takes-longer = This one takes a little longer. I will answer as soon as I have read it.

# The sender has sent more photos in a day than are taken from one person.
over-limit = That is more than I can take in one day. Please send the rest tomorrow.

# Only people who are customers already are served.
not-a-customer = This number serves registered customers only. Please ask whoever gave it to you to register yours.

## Formats

# An amount of a currency that is written as a symbol: €, £, $, ¥.
# $currency: the symbol
# $number: the number as the language writes it ("1,234.50")
money-with-symbol = { $currency }{ $number }

# An amount of a currency that is written in letters: Kč, zł, CHF.
# $currency: the letters
money-with-letters = { $currency }{"\u00A0"}{ $number }
