package intuitor.text;

import java.util.Random;

/** Text of every kind of character that a tokenizer treats differently. */
final class RandomText {

    private static final String COMMON = "eeeetaoinshrdlu EIS'tTRMd   .,!?0123456789+-*/=()[]{}<>\n\n\t\r_\"#|@";

    /** Spaces, a joiner, digits of other scripts, and letters that fold to ASCII ones. */
    private static final String ODD = "\u00A0\u2003\u2028\u3000\u0085\u200D\u0660\u216B\u00BD\uFEFF\u017F\u212A";

    private RandomText() {}

    static String of(Random random, int maxLength) {
        var text = new StringBuilder();
        int length = random.nextInt(maxLength);
        for (int i = 0; i < length; i++) {
            text.appendCodePoint(switch (random.nextInt(12)) {
                case 0 -> random.nextInt(0xA0, 0x250); // Latin
                case 1 -> random.nextInt(0x391, 0x3A1); // Greek
                case 2 -> random.nextInt(0x4E00, 0x9FA5); // Chinese
                case 3 -> random.nextInt(0x1F600, 0x1F640); // emoji
                case 4 -> random.nextInt(0x300, 0x330); // combining marks
                case 5 -> ODD.charAt(random.nextInt(ODD.length()));
                default -> COMMON.charAt(random.nextInt(COMMON.length()));
            });
        }
        return text.toString();
    }
}
