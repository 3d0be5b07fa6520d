/* All bodies of hot.def. */
#ifndef S370_MACHINE_HOT_H
#define S370_MACHINE_HOT_H

#include "s370/machine/hot_arith.h"
#include "s370/machine/hot_branch.h"
#include "s370/machine/hot_load.h"
#include "s370/machine/hot_logical.h"
#include "s370/machine/hot_move.h"
#include "s370/machine/hot_shift.h"

#endif
