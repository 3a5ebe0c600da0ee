#!/usr/bin/env python3
"""Makes the photos in this folder: receipts of merchants that do not exist, and a cat.

Each receipt is printed on paper that is bent and creased, laid on a table, lit unevenly, and
photographed slightly from the side with a phone; what comes out is as large and as compressed as
WhatsApp would send it. The same seed gives the same picture. It reads no picture and no network:
only numpy, Pillow and the DejaVu fonts.

    python3 -m venv /tmp/photos && /tmp/photos/bin/pip install numpy pillow
    /tmp/photos/bin/python demo/photos/make.py [NAME...]
"""

import math
import pathlib
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HERE = pathlib.Path(__file__).parent
FONTS = pathlib.Path("/usr/share/fonts/truetype/dejavu")
WIDTH, HEIGHT = 1200, 1600  # WhatsApp's long edge
JPEG_QUALITY = 75

COLUMNS = 36
SIZE = 40
MARGIN = 64

# --- what is printed ------------------------------------------------------------------------
# A line is (kind, text): `c` centred, `h` centred and large, `l` left and right apart at `|`,
# `t` the same, bold and larger (the total), `-` a rule, ` ` a gap.

CAFE = """
h The Copper Kettle
c Coffee & Bakery
c 12 Harbour Lane, Wrenmouth
c VAT No. GB 123 4567 81
-
l Date 19/11/2026|08:47
l Table 6|Receipt 004182
-
l 2 x Flat white|7.40
l 1 x Earl Grey tea|2.90
l 1 x Avocado toast|8.50
l 1 x Almond croissant|3.60
-
l Net amount|18.67
l VAT 20%|3.73
t TOTAL|£22.40

l Paid by card ****4417|£22.40

c Thank you, see you soon!
"""

POTRAVINY = """
h POTRAVINY U LÍPY
c U Lípy s.r.o.
c Lipová 17, Zálesí nad Hájkem
c IČO 12345678  DIČ CZ12345678
-
l Účtenka č. 2026-018834
l Datum: 21.11.2026|17:32
-
l Chléb žitný 1 kg|54,90
l Máslo 250 g    2 x 49,90|99,80
l Rajčata 0,642 kg x 59,90|38,46
l Jogurt bílý    4 x 12,90|51,60
l Sýr plátky 150 g|44,90
l Mléko 1 l      2 x 22,90|45,80
-
t CELKEM|335,46 Kč

l Platba kartou|335,46 Kč
-
l Sazba    Základ|DPH
l 12 %     299,52|35,94
-
c Děkujeme za nákup
"""

TANKSTELLE = """
h Tankhof Meisenbrunn
c Am Lindenhof 8
c 00812 Meisenbrunn
c USt-IdNr. DE 123456780
-
l Datum 14.11.2026|18:06 Uhr
l Beleg-Nr. 5512|Kasse 1
-
l Säule 3  Super E10
l 41,20 l x 1,739 EUR/l|71,65 A
l Scheibenreiniger 3 l|5,99 A
l Kaffee groß|2,79 A
-
t SUMME EUR|80,43

l Kartenzahlung EUR|80,43
-
l MwSt-Satz    Netto|MwSt
l A 19,00 %    67,59|12,84
-
c Vielen Dank und gute Fahrt!
"""


def printed(text, rng):
    """The receipt as the till prints it: black on white, with the faults of a thermal head."""
    plain, bold = font("DejaVuSansMono.ttf", SIZE), font("DejaVuSansMono-Bold.ttf", SIZE + 14)
    width = int(COLUMNS * plain.getlength("0")) + 2 * MARGIN
    lines = text.strip("\n").split("\n")
    page = Image.new("L", (width, 2 * MARGIN + 60 * (len(lines) + 4)), 255)
    draw = ImageDraw.Draw(page)
    y = MARGIN
    for line in lines:
        kind, words = line[:1], line[2:]
        if kind == "-":
            draw.text((MARGIN, y - 8), "-" * COLUMNS, 60, plain)
            y += 50
        elif kind in ("", " "):
            y += 26
        elif kind in "ch":
            face = plain if kind == "c" else bold
            draw.text((width / 2, y), words, 25, face, anchor="ma")
            y += 58 if kind == "c" else 84
        else:
            face = plain if kind == "l" else bold
            left, _, right = words.partition("|")
            draw.text((MARGIN, y), left, 25, face)
            draw.text((width - MARGIN, y), right, 25, face, anchor="ra")
            y += 58 if kind == "l" else 78
    page = page.crop((0, 0, width, y + MARGIN))
    ink = 1 - np.asarray(page, np.float32) / 255
    # A worn head prints some columns and some lines paler.
    ink *= 1 - 0.22 * clouds(rng, ink.shape, 90) - 0.10 * rng.random((1, ink.shape[1]), np.float32)
    return ink


# --- paper, table, light --------------------------------------------------------------------


def font(name, size):
    return ImageFont.truetype(str(FONTS / name), size)


def clouds(rng, shape, grain, stretch=1.0):
    """Smooth noise from 0 to 1, its blots some `grain` pixels wide, `stretch` times as high."""
    rows = max(2, int(shape[0] / (grain * stretch)) + 2)
    columns = max(2, int(shape[1] / grain) + 2)
    small = Image.fromarray(rng.random((rows, columns), np.float32))
    return np.clip(np.asarray(small.resize(shape[::-1], Image.BICUBIC)), 0, 1)


def fractal(rng, shape, grain, stretch=1.0):
    layers = [clouds(rng, shape, grain / 2**i, stretch) / 2**i for i in range(4)]
    return sum(layers) / 1.875


def paper(ink, rng, tint):
    """The print on paper: fibres, blots of light, a warm or cold white. Colours from 0 to 1."""
    fibre = 0.93 + 0.03 * fractal(rng, ink.shape, 220) + 0.012 * rng.standard_normal(ink.shape)
    white = fibre[..., None] * np.array(tint)
    black = np.array([0.13, 0.13, 0.16])
    ink = blurred(ink, 0.7)[..., None]
    return (white * (1 - ink) + black * ink).astype(np.float32)


def wood(rng, dark, light):
    shape = (HEIGHT, WIDTH)
    rows = np.arange(HEIGHT)[:, None] / 330.0
    plank = np.floor(rows + 0.35)
    warp = fractal(rng, shape, 500, 0.25)
    grain = 0.5 + 0.5 * np.sin((rows * 9 + warp * 16 + plank * 5) * 2 * math.pi)
    fine = fractal(rng, shape, 260, 0.03)
    tone = 0.25 * grain + 0.6 * fine + 0.15 * np.sin(plank * 12.9)
    gap = np.abs(rows + 0.35 - np.round(rows + 0.35)) < 0.006
    tone = np.where(gap, -0.3, tone)[..., None]
    return np.array(dark) + (np.array(light) - np.array(dark)) * tone


def cloth(rng, colour):
    """A woven table cloth with broad stripes."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    stripes = ((np.sin(x / 58) > 0.55) * 0.5 + (np.sin(y / 58) > 0.55) * 0.5)[..., None]
    weave = 0.04 * (np.sin(x * 1.3) * np.sin(y * 1.3))[..., None]
    folds = 0.12 * (fractal(rng, (HEIGHT, WIDTH), 600)[..., None] - 0.5)
    return np.array([0.62, 0.60, 0.57]) * (1 - stripes) + np.array(colour) * stripes + weave + folds


def slate(rng):
    shape = (HEIGHT, WIDTH)
    tone = 0.16 + 0.10 * fractal(rng, shape, 300) + 0.05 * fractal(rng, shape, 9)
    return tone[..., None] * np.array([0.95, 1.0, 1.06])


def blurred(values, radius):
    """Gaussian, for one channel or three. A wide one is made small and brought back."""
    if values.ndim == 3:
        return np.dstack([blurred(values[..., i], radius) for i in range(3)])
    if radius > 6:
        rows, columns = values.shape
        small = (int(columns * 3 / radius), int(rows * 3 / radius))
        small = Image.fromarray(values.astype(np.float32)).resize(small, Image.BOX)
        again = Image.fromarray(blurred(np.asarray(small), 3).astype(np.float32))
        return np.asarray(again.resize((columns, rows), Image.BICUBIC))
    reach = math.ceil(3 * radius)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    for axis in (0, 1):
        width = [(reach, reach) if it == axis else (0, 0) for it in (0, 1)]
        padded = np.pad(values, width, mode="edge")
        length = values.shape[axis]
        parts = (np.take(padded, range(i, i + length), axis) * w for i, w in enumerate(weights))
        values = sum(parts) / weights.sum()
    return values


def shifted(values, down, right):
    """Moved, with nothing where it came from."""
    rows, columns = values.shape
    return np.pad(values, ((down, 0), (right, 0)))[:rows, :columns]


# --- the camera -----------------------------------------------------------------------------


def homography(corners, width, height):
    """What takes a point of the photo to a point of the paper, from the paper's four corners."""
    rows = []
    paper_corners = [(0, 0), (width, 0), (width, height), (0, height)]
    for (x, y), (u, v) in zip(corners, paper_corners):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    equations = np.array(rows, np.float64)
    return np.append(np.linalg.solve(equations[:, :8], equations[:, 8]), 1).reshape(3, 3)


def sampled(picture, u, v):
    """`picture` at fractional places, by the four pixels around each."""
    height, width = picture.shape[:2]
    u, v = np.clip(u, 0, width - 1.001), np.clip(v, 0, height - 1.001)
    left, top = u.astype(int), v.astype(int)
    a, b = (u - left)[..., None], (v - top)[..., None]
    upper = picture[top, left] * (1 - a) + picture[top, left + 1] * a
    lower = picture[top + 1, left] * (1 - a) + picture[top + 1, left + 1] * a
    return upper * (1 - b) + lower * b


def laid(sheet, table, corners, rng, bend, crease):
    """The sheet on the table: bent by `bend` pixels, folded once at `crease` of its height."""
    height, width = sheet.shape[:2]
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    matrix = homography(corners, width, height)
    u, v, w = (matrix[i, 0] * x + matrix[i, 1] * y + matrix[i, 2] for i in range(3))
    u, v = u / w, v / w
    along = v / height
    wave = np.sin(2.4 * math.pi * along + 0.7)
    u = u + bend * wave + 0.4 * bend * np.sin(5 * along)
    v = v + 0.5 * bend * np.sin(math.pi * u / width) * (0.4 + along)
    edge = np.minimum(np.minimum(u, width - u), np.minimum(v, height - v))
    covers = np.clip(edge + 0.5, 0, 1)

    shade = 1 + 0.055 * np.cos(2.4 * math.pi * along + 0.3) + 0.03 * (u / width - 0.5)
    fold = along - crease - 0.012 * np.sin(3 * u / width)
    shade += 0.07 * np.exp(-((fold * 90) ** 2)) * np.sign(fold) - 0.05 * np.exp(-((fold * 14) ** 2))
    crumple = fractal(rng, (HEIGHT, WIDTH), 240)
    slope = np.gradient(crumple, axis=0) + np.gradient(crumple, axis=1)
    shade += np.clip(4.0 * slope, -0.06, 0.06)

    shadow = shifted(blurred(covers, 16), 14, 10) * 0.55
    ground = table * (1 - shadow[..., None])
    lit = sampled(sheet, u, v) * shade[..., None]
    return ground * (1 - covers[..., None]) + lit * covers[..., None]


def lit(scene, rng, towards, strength, hand):
    """Light from one side, and the soft shadow of who holds the phone: a polygon."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    slope = (x / WIDTH - 0.5) * math.cos(towards) + (y / HEIGHT - 0.5) * math.sin(towards)
    light = 1 + strength * slope
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    ImageDraw.Draw(mask).polygon(hand, fill=255)
    light = light * (1 - 0.26 * blurred(np.asarray(mask) / 255.0, 60))
    radius = np.hypot(x / WIDTH - 0.5, y / HEIGHT - 0.5)
    return scene * (light * (1.04 - 0.30 * radius**2))[..., None]


def photographed(scene, rng, cast=(1.0, 1.0, 1.0), blur=0.6, noise=0.013):
    """Lens, sensor and WhatsApp: colours from 0 to 1 become a picture."""
    seen = blurred(np.clip(scene * np.array(cast), 0, 1), blur)
    grain = noise * rng.standard_normal(seen.shape[:2])[..., None]
    colour = 0.5 * noise * rng.standard_normal(seen.shape)
    seen = seen + (grain + colour) * (0.6 + 0.8 * np.sqrt(np.clip(seen, 0, 1)))
    return Image.fromarray((np.clip(seen, 0, 1) * 255).astype(np.uint8))


def cafe():
    rng = np.random.default_rng(19112026)
    sheet = paper(printed(CAFE, rng), rng, (1.0, 0.985, 0.95))
    corners = [(172, 118), (1016, 86), (1062, 1498), (118, 1452)]
    scene = laid(sheet, wood(rng, (0.17, 0.10, 0.06), (0.52, 0.34, 0.21)), corners, rng, 7, 0.545)
    hand = [(760, 1700), (1300, 1180), (1300, 1700)]
    return photographed(lit(scene, rng, -2.2, 0.24, hand), rng, (1.0, 0.97, 0.91))


def potraviny():
    rng = np.random.default_rng(21112026)
    sheet = paper(printed(POTRAVINY, rng), rng, (0.985, 0.99, 1.0))
    corners = [(150, 46), (1062, 66), (1076, 1560), (110, 1544)]
    scene = laid(sheet, cloth(rng, (0.20, 0.30, 0.42)), corners, rng, 4, 0.345)
    hand = [(-100, -100), (420, -100), (-100, 560)]
    return photographed(lit(scene, rng, 0.6, 0.22, hand), rng, (0.97, 0.98, 0.96))


def tankstelle():
    rng = np.random.default_rng(14112026)
    sheet = paper(printed(TANKSTELLE, rng), rng, (1.0, 0.99, 0.97))
    corners = [(120, 74), (1050, 60), (1086, 1536), (140, 1550)]
    scene = laid(sheet, slate(rng), corners, rng, 4, 0.42)
    hand = [(1300, -100), (1300, 420), (900, -100)]
    return photographed(lit(scene, rng, 2.0, 0.20, hand), rng, (0.98, 0.97, 0.93), noise=0.014)


# --- the cat --------------------------------------------------------------------------------


def cat():
    """A ginger cat on a sofa: painted shapes first, then fur laid over them hair by hair."""
    rng = np.random.default_rng(8)
    scene = sofa(rng)
    painted, mask = cat_shapes()
    furry = fur(painted, mask, rng)
    face_details(furry)
    seen = np.asarray(furry.convert("RGB"), np.float32) / 255
    alpha = np.asarray(furry.getchannel("A"), np.float32)[..., None] / 255
    shadow = shifted(blurred(alpha[..., 0], 40), 30, 36)[..., None] * 0.5
    scene = scene * (1 - shadow) * (1 - alpha) + seen * alpha
    hand = [(-100, 1100), (300, 1700), (-100, 1700)]
    return photographed(lit(scene, rng, -2.5, 0.35, hand), rng, (1.0, 0.97, 0.92), 1.1)


def sofa(rng):
    """Out of focus: a back rest, a seat, a cushion."""
    weave = 0.06 * (fractal(rng, (HEIGHT, WIDTH), 14) - 0.5)[..., None]
    back, seat = np.array([0.30, 0.38, 0.40]), np.array([0.36, 0.44, 0.45])
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    line = 1010 + 14 * np.sin(x / 260)
    scene = np.where((y > line)[..., None], seat, back)
    scene = scene * (1 - 0.45 * np.exp(-(((y - line) / 46) ** 2)))[..., None]
    cushion = Image.new("L", (WIDTH, HEIGHT), 0)
    corners = [(812, 470), (1180, 400), (1300, 960), (870, 1040)]
    ImageDraw.Draw(cushion).polygon(corners, fill=255)
    cover = np.clip(blurred(np.asarray(cushion) / 255.0, 40) * 4 - 1.5, 0, 1)
    cover = blurred(cover, 9)[..., None]
    scene = scene * (1 - cover) + np.array([0.68, 0.55, 0.36]) * cover
    return blurred(np.clip(scene, 0, 1), 7) + weave


GINGER, PALE, DARK = (206, 132, 66), (242, 220, 190), (146, 80, 34)


def ellipse(draw, x, y, a, b, fill):
    draw.ellipse((x - a, y - b, x + a, y + b), fill=fill)


def cat_shapes():
    """Body, head, ears, tail and the tabby's stripes, as flat colours."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), GINGER)
    mask = Image.new("L", (WIDTH, HEIGHT), 0)
    draw, covers = ImageDraw.Draw(picture), ImageDraw.Draw(mask)
    turns = np.linspace(0, 2.6, 60)
    tail = [(830 + 190 * math.sin(t), 1330 - 90 * math.cos(t) + 40 * t) for t in turns]
    for x, y in tail:
        ellipse(covers, x, y, 52, 52, 255)
    for x, y in tail[::9]:
        ellipse(draw, x, y, 22, 60, DARK)
    ellipse(covers, 600, 1210, 330, 300, 255)
    ellipse(covers, 600, 1000, 240, 260, 255)
    for side in (-1, 1):
        ellipse(covers, 600 + side * 130, 1440, 105, 72, 255)
        ear = [(600 + side * 92, 470), (600 + side * 268, 640), (600 + side * 262, 330)]
        covers.polygon(ear, fill=255)
        inner = [(600 + side * 130, 490), (600 + side * 240, 600), (600 + side * 240, 396)]
        draw.polygon(inner, fill=(214, 160, 140))
    ellipse(covers, 600, 660, 290, 240, 255)
    ellipse(draw, 600, 1090, 150, 230, PALE)
    for row in range(5):
        for side in (-1, 1):
            start = (600 + side * 190, 1010 + row * 78)
            draw.line([start, (600 + side * 340, 980 + row * 88)], DARK, 26)
    for side in (-1, 1):
        ellipse(draw, 600 + side * 130, 1450, 96, 60, PALE)
        ellipse(draw, 600 + side * 62, 772, 92, 72, PALE)
        for row in range(3):
            start = (600 + side * 210, 660 + row * 44)
            draw.line([start, (600 + side * 300, 640 + row * 58)], DARK, 17)
        draw.line([(600 + side * 46, 440), (600 + side * 36, 545)], DARK, 19)
        draw.line([(600 + side * 112, 452), (600 + side * 84, 545)], DARK, 17)
    draw.line([(600, 430), (600, 540)], DARK, 19)
    ellipse(draw, 600, 830, 74, 52, PALE)
    return picture.filter(ImageFilter.GaussianBlur(9)), mask


def fur(painted, mask, rng):
    """Some hundred thousand hairs, each with the colour of the place where it grows."""
    scale = 2
    layer = Image.new("RGBA", (WIDTH * scale, HEIGHT * scale), (0, 0, 0, 0))
    base = painted.convert("RGBA")
    base.putalpha(mask.filter(ImageFilter.GaussianBlur(3)))
    layer.paste(base.resize(layer.size))
    draw = ImageDraw.Draw(layer)
    colours, covers = np.asarray(painted, np.float32), np.asarray(mask)
    rows, columns = np.nonzero(covers)
    chosen = rng.integers(0, len(rows), 130_000)
    order = chosen[np.argsort(rows[chosen] + rng.normal(0, 30, len(chosen)))]
    for index in order:
        x, y = columns[index], rows[index]
        head = y < 880 and np.hypot((x - 600) / 300, (y - 660) / 290) < 1.15
        away = math.atan2(y - 735, x - 600) if head else math.pi / 2 + (x - 600) / 520
        angle = away + rng.normal(0, 0.22)
        length = rng.uniform(10, 20) if head else rng.uniform(18, 36)
        volume = 1.08 - 0.28 * min(1.0, abs(x - 600) / 330) - 0.10 * (y > 1300)
        tone = colours[y, x] * volume * rng.normal(1.0, 0.12)
        end = (x + length * math.cos(angle), y + length * math.sin(angle))
        fill = tuple(int(it) for it in np.clip(tone, 0, 255)) + (255,)
        hair = [(x * scale, y * scale), (end[0] * scale, end[1] * scale)]
        draw.line(hair, fill, rng.integers(1, 4))
    return layer.resize((WIDTH, HEIGHT), Image.LANCZOS)


def face_details(picture):
    """Eyes that catch the light, nose, mouth, whiskers."""
    scale = 3
    layer = Image.new("RGBA", (WIDTH * scale, HEIGHT * scale), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)

    def at(*points):
        return [(x * scale, y * scale) for x, y in points]

    def oval(x, y, a, b, fill):
        draw.ellipse(at((x - a, y - b), (x + a, y + b)), fill=fill)

    for side in (-1, 1):
        x = 600 + side * 118
        oval(x, 652, 63, 55, (58, 34, 20, 255))
        oval(x, 652, 56, 48, (150, 162, 60, 255))
        oval(x, 656, 46, 40, (186, 190, 84, 255))
        oval(x, 652, 19, 45, (14, 12, 10, 255))
        oval(x - 17, 632, 11, 10, (255, 255, 250, 235))
        oval(x + 16, 672, 5, 5, (255, 255, 250, 150))
    draw.polygon(at((566, 742), (634, 742), (600, 782)), fill=(204, 126, 116, 255))
    draw.line(at((600, 780), (600, 808)), fill=(92, 50, 36, 255), width=5 * scale)
    for side in (-1, 1):
        box = at((600 + min(0, side * 76), 774), (600 + max(0, side * 76), 834))
        begin, end = (10, 140) if side > 0 else (40, 170)
        draw.arc(box, begin, end, (92, 50, 36, 255), 4 * scale)
        for row in range(4):
            whisker = [
                (600 + side * (70 + 290 * t), 782 + row * 15 + (row - 1.2) * 62 * t + 34 * t * t)
                for t in np.linspace(0, 1, 20)
            ]
            draw.line(at(*whisker), fill=(250, 246, 238, 225), width=2 * scale, joint="curve")
    picture.alpha_composite(layer.resize((WIDTH, HEIGHT), Image.LANCZOS))


def main():
    makers = {"cafe": cafe, "potraviny": potraviny, "tankstelle": tankstelle, "cat": cat}
    for name in sys.argv[1:] or makers:
        path = HERE / f"{name}.jpg"
        makers[name]().save(path, quality=JPEG_QUALITY)
        print(f"{path.name}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
