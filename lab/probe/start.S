/* Where the boot sector jumps to, in protected mode; and the interrupt handlers. */
	.section .start, "ax"
	.globl	start
start:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$stack_top, %esp
	cld
	movl	$bss_start, %edi
	movl	$bss_end, %ecx
	subl	%edi, %ecx
	xorl	%eax, %eax
	rep stosb
	call	main
1:	hlt
	jmp	1b

	.text
	.globl	timer_interrupt, other_interrupt
timer_interrupt:
	incl	timer_ticks
other_interrupt:
	pushl	%eax
	movb	$0x20, %al		/* end of interrupt, to both controllers */
	outb	%al, $0xa0
	outb	%al, $0x20
	popl	%eax
	iret

	.bss
	.balign	16
	.skip	16384
stack_top:
	.section .note.GNU-stack, "", @progbits
