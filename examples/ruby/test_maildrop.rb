# Tests with Ruby's own minitest.  One server for each test: `pop3s-fake serve` on a free port, which writes its ready file
# before it prints its first line, so that nobody has to poll or to sleep.

require "json"
require "minitest/autorun"
require "tmpdir"
require_relative "maildrop"

class MaildropTest < Minitest::Test
  def serve(*options)
    Dir.mktmpdir do |folder|
      ready = File.join(folder, "ready.json")
      files = ["--ready-file", ready, "--ca-out", File.join(folder, "ca.pem")]
      server = IO.popen(["pop3s-fake", "serve", "--port", "0", *files, *options])
      begin
        server.gets or flunk "the server did not start"
        yield JSON.parse(File.read(ready), symbolize_names: true)
      ensure
        Process.kill("TERM", server.pid)
        server.close
      end
      assert_predicate $?, :success?
    end
  end

  def fetch(at, password = at[:accounts][0][:password])
    subjects(at[:host], at[:port], at[:accounts][0][:name], password, ca_file: at[:ca_file])
  end

  def test_all_mail_is_there
    serve { |at| assert_equal ["Welcome", "A header that goes on", "With an attachment"], fetch(at) }
  end

  def test_an_expired_certificate_is_refused
    serve("--certificate", "expired") do |at|
      error = assert_raises(OpenSSL::SSL::SSLError) { fetch(at) }
      assert_match "certificate has expired", error.message
    end
  end

  def test_a_wrong_password_is_refused
    serve { |at| assert_raises(Net::POPAuthenticationError) { fetch(at, "guess") } }
  end

  def test_a_lost_connection_is_an_error
    serve("--rule", "UIDL,LIST -> end clean") { |at| assert_raises(EOFError) { fetch(at) } }
  end
end
