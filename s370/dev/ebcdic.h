/* EBCDIC and the host's characters. */
#ifndef S370_DEV_EBCDIC_H
#define S370_DEV_EBCDIC_H

#include "base/types.h"

/* Code page 037, with the brackets of the TN print train (AD, BD) and the
 * circumflex at 5F.  The two are inverses over all 256 codes; the host's are
 * ISO 8859-1, so the first half is ASCII. */
uint8_t ebcdic_from_ascii(uint8_t c);
uint8_t ebcdic_to_ascii(uint8_t c);

/* The character as paper shows it: printable ASCII, else a blank. */
char ebcdic_glyph(uint8_t c);

#endif
