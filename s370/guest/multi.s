         TITLE 'MULTI - A SMALL MULTIPROGRAMMING SUPERVISOR'
***********************************************************************
*                                                                     *
*  MULTI runs several programs at a time on one System/370 without    *
*  address translation.  It is what an operating system of the 1960s  *
*  is made of, and no more than that:                                 *
*                                                                     *
*  - each program lives in storage that has a storage key of its own, *
*    and runs in the problem state with that key in its PSW;          *
*  - it asks for service by SUPERVISOR CALL;                          *
*  - the interval timer takes the CPU away when a time slice is over; *
*  - input and output run beside the programs and end in an I/O       *
*    interruption;                                                    *
*  - a program that breaks the rules is cancelled, and the others     *
*    never know.                                                      *
*                                                                     *
*  Read it in this order: the interruption handlers (SVCENT, EXTENT,  *
*  IOENT, PGMENT), all of which end in DISPATCH; then the services;   *
*  then the programs, from PRIMES on.                                 *
*                                                                     *
*  The supervisor lies in the first 4096 bytes of storage.  There a   *
*  displacement reaches everything without a base register, which is  *
*  what register 0 in USING says.  It always runs disabled: nobody    *
*  interrupts it, so that its tables need no locks.                   *
*                                                                     *
***********************************************************************
SUPER    START 0
         USING SUPER,0
*
*  The assigned storage locations (GA22-7000, "Assigned Storage
*  Locations").  The PSWs are those of basic-control (BC) mode:
*  system mask, key and EMWP, interruption code, ILC CC and program
*  mask, instruction address.
*
         DC    X'00040000',A(BEGIN)     IPL loads this PSW
         ORG   SUPER+24
EXTOLD   DS    D                        old PSWs: what was running
SVCOLD   DS    D
PGMOLD   DS    D
MCKOLD   DS    D
IOOLD    DS    D
CSW      DS    D                        channel status word
CAW      DS    F                        channel address word
         ORG   SUPER+80
TIMER    DS    F                        the interval timer
         ORG   SUPER+88
         DC    X'00040000',A(EXTENT)    new PSWs: disabled, key 0,
         DC    X'00040000',A(SVCENT)    supervisor state
         DC    X'00040000',A(PGMENT)
         DC    X'00020000',A(X'BAD')    machine check: stop
         DC    X'00040000',A(IOENT)
*
*  Numbers that the program and its listing share.
*
SAY      EQU   1                        SVC: print (0) bytes at (1)
WAITALL  EQU   2                        SVC: until all programs ended
TIME     EQU   3                        SVC: milliseconds to register 1
LOG      EQU   4                        SVC: as SAY, on the printer
FINISH   EQU   5                        SVC: the end, for the system
EXIT     EQU   0                        SVC: the end of a program
READY    EQU   0                        states of a program: can run
DOING    EQU   1                        its line is being printed
LINEUP   EQU   2                        waits for a device to be free
WAITS    EQU   3                        for the end of the others
ENDED    EQU   4
NAMELEN  EQU   10                       of a program's name on a line
TEXTMAX  EQU   100                      the longest text of a program
*
*  What the supervisor knows of a program: its control block.
*
BLOCK    DSECT
REGS     DS    16F                      registers and PSW when it does
PSW      DS    D                        not run
NEXT     DS    A                        the next one, in a ring
NAME     DS    CL8
STATE    DS    X
KEY      DS    X                        of its storage, in bits 0-3
LINES    DS    H                        how many it has printed
SLICES   DS    H                        how many time slices it used up
         DS    H
LASTWORD DS    CL64                     what is said of it at the end
BLOCKLEN EQU   *-BLOCK
*
*  What it knows of a device that prints.
*
DEVICE   DSECT
ADDRESS  DS    H
BUSY     DS    X                        1: a line is being printed
         DS    X
OWNER    DS    A                        of that line: the control block
CCW      DS    D
LINE     DS    CL(NAMELEN+TEXTMAX)
DEVLEN   EQU   *-DEVICE
SUPER    CSECT
         ORG   SUPER+X'200'
         EJECT
***********************************************************************
*  IPL comes here: give each program its storage key, start the clock *
*  and the timer, and dispatch the first one.                         *
***********************************************************************
BEGIN    LA    2,KEYS
SETKEY   LM    4,5,0(2)                 key and block of 2048 bytes
         SSK   4,5
         LA    2,8(2)
         CL    2,=A(KEYSEND)
         BL    SETKEY
         STCK  STAMP
         LM    2,3,STAMP
         SRDL  2,12                     bit 51 is a microsecond
         ST    3,STARTED
         MVC   TIMER,SLICE
         LA    13,SYSTEM
         ST    13,LAST
         B     RESUME
***********************************************************************
*  Interruption handlers.  Each saves what was running in its control *
*  block, and leaves the address of the block in register 13.         *
***********************************************************************
         MACRO
&HANDLER SAVE  &OLD                     registers, and this old PSW
&HANDLER ST    13,SAVE13
         L     13,CURRENT
         USING BLOCK,13
         STM   0,15,REGS
         MVC   REGS+13*4(4),SAVE13
         MVC   PSW,&OLD
         MEND
*
*  Supervisor call: branch by its code.
*
SVCENT   SAVE  SVCOLD
         SR    2,2
         IC    2,SVCOLD+3
         CL    2,=A(FINISH)
         BH    BADCALL
         SLL   2,2
         B     SERVICES(2)
SERVICES B     DOEXIT                   0 EXIT
         B     DOSAY                    1 SAY
         B     DOWAIT                   2 WAITALL
         B     DOTIME                   3 TIME
         B     DOLOG                    4 LOG
         B     DOFINISH                 5 FINISH
*
*  External interruption: the time slice is over, or the operator
*  pressed the interrupt key, which does nothing here.
*
EXTENT   SAVE  EXTOLD
         TM    EXTOLD+3,X'80'           interval timer?
         BZ    DISPATCH
         MVC   TIMER,SLICE
         LH    2,SLICES
         LA    2,1(2)
         STH   2,SLICES
         B     DISPATCH
*
*  I/O interruption: a line has been printed.  Its owner goes on, and
*  so do those that waited for the device to be free.
*
IOENT    SAVE  IOOLD
         LA    12,CONSOLE
         USING DEVICE,12
         CLC   ADDRESS,IOOLD+2
         BE    IODEV
         LA    12,PRINTER
         CLC   ADDRESS,IOOLD+2
         BNE   DISPATCH                 some other device: let it be
IODEV    TM    CSW+4,X'04'              device end?
         BZ    DISPATCH                 no: the operator's attention
         BAL   14,RELEASE
         B     DISPATCH
*
*  Program interruption: the fault of the program that was running.
*  In the supervisor itself it must not happen: stop.
*
PGMENT   TM    PGMOLD+1,X'01'           in the problem state?
         BZ    PANIC
         SAVE  PGMOLD
         MVC   LASTWORD(L'CANCEL),CANCEL
         UNPK  LASTWORD+CANCODE-CANCEL(5),PGMOLD+2(3)
         UNPK  LASTWORD+CANADDR-CANCEL(7),PGMOLD+5(4)
         TR    LASTWORD+CANCODE-CANCEL(4),HEXTAB
         TR    LASTWORD+CANADDR-CANCEL(6),HEXTAB
         MVI   LASTWORD+CANCODE-CANCEL+4,C' '
         MVI   LASTWORD+CANADDR-CANCEL+6,C'.'
         LA    0,L'CANCEL
         B     BURY
PANIC    LPSW  STOPPSW
***********************************************************************
*  DISPATCH: give the CPU to the next program that can run.  If there *
*  is none, the CPU waits, enabled for interruptions: that is the     *
*  IDLE program, whose PSW has the wait bit and which is not in the   *
*  ring.                                                              *
***********************************************************************
DISPATCH L     13,LAST
         LA    2,PROGRAMS
LOOK     L     13,NEXT
         CLI   STATE,READY
         BE    FOUND
         BCT   2,LOOK
         LA    13,IDLE
         B     RESUME
FOUND    ST    13,LAST
RESUME   ST    13,CURRENT
         MVC   RUNPSW,PSW
         LM    0,15,REGS                13 too: it is done with
         LPSW  RUNPSW
         EJECT
***********************************************************************
*  Services.  Register 13 has the program's control block; 0 and 1    *
*  are those of the program.                                          *
***********************************************************************
*
*  TIME: what has passed since IPL.
*
DOTIME   STCK  STAMP
         LM    2,3,STAMP
         SRDL  2,12
         SL    3,STARTED
         SR    2,2
         D     2,=F'1000'
         ST    3,REGS+4
         B     RESUME
*
*  SAY and LOG: start to print.  The program waits until that is done;
*  meanwhile others run.  If the device still prints another line, the
*  program must line up: it will issue the same SVC again.
*
DOLOG    LA    12,PRINTER
         B     OUTPUT
DOSAY    LA    12,CONSOLE
OUTPUT   CLI   BUSY,0
         BNE   QUEUE
*
*  The supervisor runs with key 0, which opens all storage.  So it must
*  itself check that the text belongs to the program that gave it.
*
         LTR   3,0
         BNP   BADTEXT
         CL    3,=A(TEXTMAX)
         BH    BADTEXT
         LA    1,0(1)                   24 bits
         LR    4,1
         AR    4,3
         BCTR  4,0                      its last byte
         CL    4,=A(STORAGE)
         BNL   BADTEXT
         LR    5,1
         BAL   14,MYKEY
         LR    5,4
         BAL   14,MYKEY
*
         MVI   LINE,C' '
         MVC   LINE+1(L'LINE-1),LINE
         MVC   LINE(8),NAME
         BCTR  3,0                      MVC wants the length less one
         EX    3,MOVETEXT
         LA    3,1+NAMELEN(3)
         STH   3,CCW+6
         LH    2,LINES
         LA    2,1(2)
         STH   2,LINES
         LA    2,CCW
         ST    2,CAW                    key 0
         LH    2,ADDRESS
         SIO   0(2)
         BC    1,RESUME                 no such device: lost
         BC    6,AGAIN                  it has something to tell
         MVI   BUSY,1
         ST    13,OWNER
         MVI   STATE,DOING
         B     DISPATCH
QUEUE    MVI   STATE,LINEUP
AGAIN    L     2,PSW+4
         BCTR  2,0
         BCTR  2,0                      back to the SVC
         STCM  2,7,PSW+5
         B     DISPATCH
MOVETEXT MVC   LINE+NAMELEN(0),0(1)
*
*  Does the byte at (5) have the program's key?  Returns if so.
*
MYKEY    LR    6,5
         N     6,=X'00FFF800'           its block of 2048 bytes
         ISK   7,6
         N     7,=X'000000F0'
         SR    6,6
         IC    6,KEY
         CLR   6,7
         BER   14
BADTEXT  LA    2,NOTYOURS
         LA    0,L'NOTYOURS
         B     REBUKE
BADCALL  LA    2,NOSUCH
         LA    0,L'NOSUCH
REBUKE   MVC   LASTWORD,0(2)
         B     BURY
*
*  A device is free: its line's owner and who lined up can run again.
*
RELEASE  MVI   BUSY,0
         LR    8,13
         L     13,OWNER
         CLI   STATE,DOING
         BNE   WAKE
         MVI   STATE,READY
WAKE     LA    2,PROGRAMS
WAKELOOP L     13,NEXT
         CLI   STATE,LINEUP
         BNE   WAKENEXT
         MVI   STATE,READY
WAKENEXT BCT   2,WAKELOOP
         LR    13,8
         BR    14
*
*  EXIT: say how much the program did.  It says so "itself": from here
*  on it runs the code at OBITUARY, in the supervisor state.
*
DOEXIT   MVC   LASTWORD(L'DONE),DONE
         LH    2,LINES
         CVD   2,DOUBLE
         ED    LASTWORD+DONELINE-DONE(4),DOUBLE+6
         LH    2,SLICES
         CVD   2,DOUBLE
         ED    LASTWORD+DONESLIC-DONE(4),DOUBLE+6
         LA    0,L'DONE
BURY     ST    0,REGS
         LA    1,LASTWORD
         ST    1,REGS+4
         MVI   KEY,0
         MVC   PSW,OBITPSW
         B     RESUME
OBITUARY SVC   SAY
         SVC   LOG
         SVC   FINISH
*
*  FINISH: a program is no more.  After the last one, the SYSTEM
*  program, which waited for that, goes on.
*
DOFINISH MVI   STATE,ENDED
         LH    2,LIVING
         BCTR  2,0
         STH   2,LIVING
         LTR   2,2
         BNZ   DISPATCH
         MVI   SYSTEM+STATE-BLOCK,READY
         B     DISPATCH
*
DOWAIT   MVI   STATE,WAITS
         B     DISPATCH
         EJECT
***********************************************************************
*  The SYSTEM program greets, waits for the others, and says goodbye. *
*  It runs in the supervisor state, but enabled, like the others.     *
***********************************************************************
SYSCODE  LA    0,L'HELLO
         LA    1,HELLO
         SVC   SAY
         SVC   WAITALL
         SVC   TIME
         CVD   1,DOUBLE
         ED    BYETIME,DOUBLE+4
         LA    0,L'BYE
         LA    1,BYE
         SVC   SAY
         LPSW  ENDPSW                   disabled wait: the end
***********************************************************************
*  Tables                                                             *
***********************************************************************
         DS    0D
RUNPSW   DS    D
DOUBLE   DS    D
STAMP    DS    D
OBITPSW  DC    X'FF040000',A(OBITUARY)  enabled, key 0, supervisor
ENDPSW   DC    X'00020000',A(X'E0D')    wait, disabled
STOPPSW  DC    X'00020000',A(X'BAD')
STARTED  DS    F
SAVE13   DS    F
CURRENT  DC    A(SYSTEM)
LAST     DC    A(SYSTEM)                the one dispatched last
SLICE    DC    F'0'                     till the timer's next step: the
*                                       300th part of a second
LIVING   DC    H'3'                     programs that have not ended
KEYS     DC    A(X'10',PRIMES)          keys as SSK wants them,
         DC    A(X'20',FIBON)           and the blocks of storage
         DC    A(X'30',VANDAL)
KEYSEND  EQU   *
STORAGE  EQU   X'100000'                what we count on: a megabyte
*
         MACRO
&NAME    PROGRAM &TEXT,&NEXT,&PSW,&ENTRY,&KEY
&NAME    DC    16F'0'
         DC    X'&PSW',A(&ENTRY)
         DC    A(&NEXT),CL8&TEXT,AL1(READY,&KEY),3H'0'
         DC    CL64' '
         MEND
PROGRAMS EQU   4
         DS    0D
SYSTEM   PROGRAM 'SYSTEM',PROG1,FF040000,SYSCODE,X'00'
         DS    0D
PROG1    PROGRAM 'PRIMES',PROG2,FF150000,PRIMES,X'10'
         DS    0D
PROG2    PROGRAM 'FIBONACC',PROG3,FF250000,FIBON,X'20'
         DS    0D
PROG3    PROGRAM 'VANDAL',SYSTEM,FF350000,VANDAL,X'30'
         DS    0D
IDLE     PROGRAM 'IDLE',IDLE,FF060000,IDLE,X'00'
*
         DS    0D
CONSOLE  DC    X'001F',X'0000',A(0)
         CCW   X'09',CONSOLE+LINE-DEVICE,X'20',0
         DS    CL(L'LINE)
         DS    0D
PRINTER  DC    X'000E',X'0000',A(0)
         CCW   X'09',PRINTER+LINE-DEVICE,X'20',0
         DS    CL(L'LINE)
*
HELLO    DC    C'THREE PROGRAMS SHARE THIS MACHINE.'
BYE      DC    C'ALL PROGRAMS ENDED AFTER 0000000 MS. GOOD NIGHT.'
         ORG   BYE+24
BYETIME  DC    X'4020202020202120'
         ORG   BYE+L'BYE
         DS    0H
DONE     DC    C'ENDED: 000 LINES, 000 TIME SLICES.'
         ORG   DONE+6
DONELINE DC    X'40202120'
         ORG   DONE+17
DONESLIC DC    X'40202120'
         ORG   DONE+L'DONE
CANCEL   DC    C'CANCELLED: PROGRAM INTERRUPTION 0000 BEFORE 000000.'
CANCODE  EQU   CANCEL+32
CANADDR  EQU   CANCEL+44
NOTYOURS DC    CL64'CANCELLED: THE TEXT IS NOT ITS OWN.'
NOSUCH   DC    CL64'CANCELLED: NO SUCH SUPERVISOR CALL.'
HEXTAB   EQU   *-240                    zones of UNPK's digits are F
         DC    C'0123456789ABCDEF'
         LTORG
         DROP  0
         EJECT
***********************************************************************
*  The programs.  They know the supervisor by its SVCs only.          *
***********************************************************************
*
*  PRIMES: a hundred primes, by trying every divisor.  Key 1.
*
         ORG   SUPER+X'1000'
PRIMES   BALR  11,0
         USING *,11
         LA    2,2                      the candidate
         LA    8,PLINE                  where its number goes
         LA    9,100
PTRY     LA    3,2                      the divisor
PDIVIDE  CR    3,2
         BE    PPRIME
         LR    5,2
         SR    4,4
         DR    4,3
         LTR   4,4                      remainder
         BZ    PNEXT
         LA    3,1(3)
         B     PDIVIDE
PPRIME   CVD   2,PDOUBLE
         MVC   0(6,8),PPATTERN
         ED    0(6,8),PDOUBLE+5
         LA    8,6(8)
         CL    8,=A(PLINE+L'PLINE)
         BL    PMORE
         LA    0,L'PLINE                the line is full
         LA    1,PLINE
         SVC   SAY
         LA    8,PLINE
PMORE    BCT   9,PNEXT
         SVC   EXIT
PNEXT    LA    2,1(2)
         B     PTRY
PDOUBLE  DS    D
PPATTERN DC    X'402020202120'
PLINE    DS    CL60
         LTORG
         DROP  11
*
*  FIBONACC: Fibonacci numbers by their definition, F(n) = F(n-1) +
*  F(n-2), each from scratch: the recursion keeps the CPU busy.  Key 2.
*
         ORG   SUPER+X'1800'
FIBON    BALR  11,0
         USING *,11
         LA    7,2                      every second one
FLOOP    LA    13,FSTACK
         LR    2,7
         BAL   14,FIB
         CVD   7,FDOUBLE
         MVC   FN,FPATTERN+2
         MVI   FN,C' '
         ED    FN,FDOUBLE+6
         MVC   FVALUE,FPATTERN
         CVD   3,FDOUBLE
         ED    FVALUE,FDOUBLE+5
         LA    0,L'FLINE
         LA    1,FLINE
         SVC   SAY
         LA    7,2(7)
         CH    7,=H'20'
         BNH   FLOOP
         SVC   EXIT
*
*  Register 3 becomes F(register 2).  Register 13: the stack, of which
*  each call takes three words: return address, n, F(n-1).
*
FIB      CH    2,=H'2'
         BNH   FONE
         ST    14,0(13)
         ST    2,4(13)
         LA    13,12(13)
         BCTR  2,0
         BAL   14,FIB
         SH    13,=H'12'
         ST    3,8(13)
         L     2,4(13)
         LA    13,12(13)
         BCTR  2,0
         BCTR  2,0
         BAL   14,FIB
         SH    13,=H'12'
         A     3,8(13)
         L     14,0(13)
         BR    14
FONE     LA    3,1                      F(1) = F(2) = 1
         BR    14
FDOUBLE  DS    D
FPATTERN DC    X'402020202120'
FLINE    DC    C'F(nnnn) =vvvvvv'
         ORG   FLINE+2
FN       DS    CL4
         ORG   FLINE+9
FVALUE   DS    CL6
         ORG   FLINE+L'FLINE
         LTORG
FSTACK   DS    60F
         DROP  11
*
*  VANDAL: does not play by the rules.  Key 3.
*
         ORG   SUPER+X'2000'
VANDAL   BALR  11,0
         USING *,11
         LA    0,L'VBOAST
         LA    1,VBOAST
         SVC   SAY
         SVC   TIME
         ST    1,104                    the program new PSW: mine!
         LA    0,L'VGLOAT
         LA    1,VGLOAT
         SVC   SAY
         SVC   EXIT
VBOAST   DC    C'I SHALL NOW STORE INTO THE SUPERVISOR.'
VGLOAT   DC    C'NOBODY STOPPED ME.'
         END   BEGIN
