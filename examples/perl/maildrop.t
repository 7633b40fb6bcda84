# Tests with Perl's own Test::More.  One server for each: `pop3s-fake serve` on a free port, which writes its ready file
# before it prints its first line, so that nobody has to poll or to sleep.

use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use Test::More;

use lib ".";
use Maildrop;

sub serve {
    my ($options, $test) = @_;
    my $folder = tempdir(CLEANUP => 1);
    my @files  = ("--ready-file", "$folder/ready.json", "--ca-out", "$folder/ca.pem");
    my $pid    = open my $server, "-|", "pop3s-fake", "serve", "--port", 0, @files, @$options or die $!;
    defined readline $server or die "the server did not start";
    open my $ready, "<", "$folder/ready.json" or die $!;
    my $at = decode_json(join "", <$ready>);
    $test->(sub {
        my $password = shift // $at->{accounts}[0]{password};
        return Maildrop::subjects($at->{host}, $at->{port}, $at->{accounts}[0]{name}, $password, $at->{ca_file});
    });
    kill TERM => $pid;
    close $server;
    is $?, 0, "the server ends well";
}

serve([], sub {
    is_deeply [$_[0]->()], ["Welcome", "A header that goes on", "With an attachment"], "all mail is there";
});

serve(["--certificate", "expired"], sub {
    eval { $_[0]->() };
    like $@, qr/certificate verify failed/, "an expired certificate is refused";
});

serve([], sub {
    my $fetch = shift;
    eval { $fetch->("guess") };
    like $@, qr/^refused: \[AUTH\] name or password is wrong/, "a wrong password is refused";
});

serve(["--rule", 'LIST -> reply "-ERR no disk"'], sub {
    eval { $_[0]->() };
    like $@, qr/^no list: no disk/, "what the server says is told";
});

done_testing;
