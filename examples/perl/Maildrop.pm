# Fetches the subjects of all mail with Perl's own Net::POP3; the code under test.

package Maildrop;

use strict;
use warnings;
use IO::Socket::SSL;
use Net::POP3;

sub subjects {
    my ($host, $port, $user, $password, $ca_file) = @_;
    my $pop = Net::POP3->new(
        $host,
        Port            => $port,
        Timeout         => 30,
        SSL             => 1,
        SSL_verify_mode => IO::Socket::SSL::SSL_VERIFY_PEER(),
        SSL_ca_file     => $ca_file,
    ) or die "no connection: $IO::Socket::SSL::SSL_ERROR\n";
    defined $pop->login($user, $password) or die "refused: ", $pop->message;
    my $list = $pop->list or die "no list: ", $pop->message;
    my @subjects;
    for my $number (sort { $a <=> $b } keys %$list) {
        my $header = join "", @{ $pop->top($number, 0) };
        push @subjects, $header =~ /^Subject: (.*?)\r?$/m;
    }
    $pop->quit;
    return @subjects;
}

1;
