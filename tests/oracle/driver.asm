*  The bench: runs random cases one after the other on whatever
*  System/370 it is loaded into, and records what each one left.  The
*  host puts the cases in storage before and reads the results after;
*  layout.h has the same addresses in C.
*
*  All code and data are in real page 0.  A second copy of the page is
*  at ALT, so that a case may set the prefix to it: when a handler takes
*  the prefix away it goes on in the other copy.
BENCH    CSECT
         USING BENCH,0
*  What layout.h says
ALT      EQU   X'4000'            the other copy of page 0
RESULT   EQU   384                results, from the start of a case
PATCHED  EQU   X'4000'            from a copy to the pristine one
*  Permanently assigned storage
         DC    A(0,START)         restart new PSW
         ORG   BENCH+X'58'
         DC    A(0,EXTH)          external, supervisor call, program,
         DC    A(0,SVCH)          machine check, I/O new PSWs
         DC    A(0,PGMH)
         DC    X'00020000',A(X'BAD0')
         DC    A(0,IOH)
         ORG   BENCH+X'200'
*  What the host sets, and the bench's own
NCASE    DC    F'0'               cases to run
FIRST    DC    A(0)               the first one
TCASE    DC    2F'0'              PSW of the case, on a doubleword
CUR      DC    A(0)               the one in hand
LEFT     DC    F'0'               how many, with it
TOPBLOCK DC    A(0)               the last block of storage
OLDPFX   DC    F'0'
SAVE     DC    16F'0'
DONE     DC    X'00020000',A(0)   the end: a wait
*  Blocks whose keys a case sets; the fifth is the end of storage
BLOCKS   DC    A(X'8000',X'8800',X'9000',X'9800')
LASTBLK  DC    A(0)
*  Where results may show: a stretch, its copy for comparison, its 256s
STRETCH1 DC    A(X'8000',X'C000'),F'32'
STRETCH2 DC    A(0,X'E000'),F'8'
ZERO     DC    F'0'
BLOCK    DC    F'2048'
CHUNKS   DC    F'16'              so many changed chunks are recorded
NEVER    DC    X'7FFFFFFFFFFFFFFF'
SANECR   DC    16F'0'
         ORG   BENCH+X'2F0'
RESUME   DC    A(FENCED)          for a host that set all keys
         ORG   BENCH+X'400'
*  Every block is fenced with key 15 and fetch protection
START    LA    1,X'F8'
         L     2,TOPBLOCK
FENCE    SSK   1,2
         S     2,BLOCK
         BNM   FENCE
FENCED   MVC   LEFT(4),NCASE
         MVC   CUR(4),FIRST
*  One case: put its code and data where they belong
NEXT     MVC   0(256,0),PSA       undo what a case did to page 0
         MVC   256(256),PSA+256
         L     13,CUR
         LM    1,4,192(13)
         MVC   0(48,1),208(13)    code, and in the copy
         MVC   0(48,2),208(13)
         MVC   0(128,3),256(13)   data
         MVC   0(128,4),256(13)
         LM    1,5,BLOCKS
         SR    6,6
         IC    6,168(13)
         SSK   6,1
         IC    6,169(13)
         SSK   6,2
         IC    6,170(13)
         SSK   6,3
         IC    6,171(13)
         SSK   6,4
         IC    6,172(13)
         SSK   6,5
         SCKC  176(13)
         SPT   184(13)
         LCTL  0,15,104(13)
         PTLB
         MVC   TCASE(8),0(13)
         LD    0,72(13)
         LD    2,80(13)
         LD    4,88(13)
         LD    6,96(13)
         LM    0,15,8(13)
         LPSW  TCASE
*  What ended it
SVCH     STM   0,15,SAVE
         LA    14,1
         B     SAVED
PGMH     STM   0,15,SAVE
         LA    14,2
         B     SAVED
EXTH     STM   0,15,SAVE
         LA    14,3
         B     SAVED
IOH      STM   0,15,SAVE
         LA    14,4
SAVED    STPX  OLDPFX
         L     15,OLDPFX
         SPX   ZERO               from here on in the page at 0
         L     13,CUR
         LTR   15,15
         BZ    RECORD
         MVC   SAVE(64),SAVE-BENCH(15)
         MVC   16(48),16(15)
         MVC   128(64),128(15)
         MVC   0(256,15),PSA
         MVC   256(256,15),PSA+256
RECORD   STCTL 0,15,RESULT+104(13)
         LCTL  0,15,SANECR
         STCKC RESULT+288(13)
         LM    1,5,BLOCKS
         SR    6,6
         ISK   6,1
         STC   6,RESULT+168(13)
         ISK   6,2
         STC   6,RESULT+169(13)
         ISK   6,3
         STC   6,RESULT+170(13)
         ISK   6,4
         STC   6,RESULT+171(13)
         ISK   6,5
         STC   6,RESULT+172(13)
         ST    14,RESULT(13)
         ST    15,RESULT+4(13)
         MVC   RESULT+8(64,13),SAVE
         STD   0,RESULT+72(13)
         STD   2,RESULT+80(13)
         STD   4,RESULT+88(13)
         STD   6,RESULT+96(13)
         MVC   RESULT+176(48,13),16
         MVC   RESULT+224(64,13),128
*  What it changed in storage
         LA    10,RESULT+304(13)
         SR    11,11              changed chunks
         SR    12,12              their sum
         LM    1,3,STRETCH1
         BAL   9,COMPARE
         LM    1,3,STRETCH2
         BAL   9,COMPARE
         STM   11,12,RESULT+296(13)
*  Undo the patches and go on
         LM    1,4,192(13)
         LR    5,2
         A     5,PRISTINE
         MVC   0(48,1),0(5)
         MVC   0(48,2),0(5)
         LR    5,4
         A     5,PRISTINE
         MVC   0(128,3),0(5)
         MVC   0(128,4),0(5)
         LA    13,1024(13)
         ST    13,CUR
         L     1,LEFT
         BCT   1,AGAIN
         LPSW  DONE
AGAIN    ST    1,LEFT
         B     NEXT
*  Compare R3 times 256 bytes at R1 with those at R2; record and heal
*  each chunk of 16 that differs
COMPARE  CLC   0(256,1),0(2)
         BNE   DIFFER
COMPARED LA    1,256(1)
         LA    2,256(2)
         BCT   3,COMPARE
         BR    9
DIFFER   LR    4,1
         LR    5,2
         LA    6,16
CHUNK    CLC   0(16,4),0(5)
         BE    SAME
         C     11,CHUNKS
         BNL   COUNT
         ST    4,0(10)
         MVC   4(16,10),0(4)
         LA    10,20(10)
COUNT    LA    11,1(11)
         ALR   12,4
         AL    12,0(4)
         AL    12,4(4)
         AL    12,8(4)
         AL    12,12(4)
         MVC   0(16,4),0(5)
SAME     LA    4,16(4)
         LA    5,16(5)
         BCT   6,CHUNK
         B     COMPARED
PRISTINE DC    A(PATCHED)
         ORG   BENCH+X'C00'
*  What the first 512 bytes are before each case.  The interval timer is
*  far from zero: it steps in real time where nobody can switch it off.
PSA      DC    A(0,START)
         ORG   PSA+X'50'
         DC    X'7FFFFF00'
         ORG   PSA+X'58'
         DC    A(0,EXTH)
         DC    A(0,SVCH)
         DC    A(0,PGMH)
         DC    X'00020000',A(X'BAD0')
         DC    A(0,IOH)
         ORG   PSA+512
         ORG   BENCH+X'1000'
         END   START
